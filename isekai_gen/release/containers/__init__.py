"""How images travel: Parquet tables, tar shards, archives."""
