"""Names that Croissant files use: the JSON-LD context, standards, media types."""

from __future__ import annotations

from typing import Any

CONFORMS_TO = (
    "http://mlcommons.org/croissant/1.1",
    "http://mlcommons.org/croissant/RAI/1.0",
)
# The context of Croissant 1.1 (docs.mlcommons.org/croissant), with PROV's prefix. Readers compare
# its keys with the standard's, so none may be left out.
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "prov": "http://www.w3.org/ns/prov#",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
# What the authors of papers with datasets must tell NeurIPS's checker since 2026.
NEURIPS_FIELDS = (
    "rai:dataLimitations",
    "rai:dataBiases",
    "rai:personalSensitiveInformation",
    "rai:dataUseCases",
    "rai:dataSocialImpact",
    "rai:hasSyntheticData",
    "prov:wasDerivedFrom",
    "prov:wasGeneratedBy",
)

_OCTETS = "application/octet-stream"
_MEDIA_TYPES = {
    "cff": "application/yaml",
    "csv": "text/csv",
    "jpg": "image/jpeg",
    "json": "application/json",
    # Not registered, but Croissant's own name for it.
    "jsonl": "application/jsonlines",
    "md": "text/markdown",
    "npy": _OCTETS,
    "parquet": "application/x-parquet",
    "png": "image/png",
    "py": "text/x-python",
    "tar": "application/x-tar",
    "webp": "image/webp",
    "yaml": "application/yaml",
}


def media_type(path: str) -> str:
    """Media type of a file of a release by its name; without a suffix (LICENSE) it is text."""
    folder, _, name = path.rpartition("/")
    if folder == "lcl" and name.endswith(".json"):
        # So the published ISEKAI files are called; each of their lines is JSON.
        return _MEDIA_TYPES["jsonl"]
    suffix = name.rpartition(".")[2] if "." in name else ""
    return _MEDIA_TYPES.get(suffix, _OCTETS) if suffix else "text/plain"
