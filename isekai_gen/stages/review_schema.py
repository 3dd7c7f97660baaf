"""Tables of the review page's index."""

from __future__ import annotations

VERSION = 1
"""Counts up when what is in the tables changes; an index of other tables is made anew anyway."""

TABLES = """
CREATE TABLE about(fingerprint TEXT NOT NULL, moved TEXT NOT NULL);
CREATE TABLE concepts(
  place INTEGER PRIMARY KEY, slug TEXT NOT NULL UNIQUE, name TEXT NOT NULL, kind TEXT NOT NULL,
  grp TEXT NOT NULL, planned INTEGER NOT NULL, generated INTEGER NOT NULL, failed INTEGER NOT NULL);
CREATE TABLE images(
  row INTEGER PRIMARY KEY, id TEXT NOT NULL, part INTEGER NOT NULL, start INTEGER NOT NULL,
  concept INTEGER NOT NULL, number INTEGER NOT NULL, prompt TEXT NOT NULL, negative TEXT NOT NULL,
  seed INTEGER NOT NULL, template TEXT NOT NULL, slots TEXT NOT NULL, width INTEGER NOT NULL,
  height INTEGER NOT NULL, suffix TEXT NOT NULL, kept INTEGER NOT NULL, filter TEXT NOT NULL,
  reason TEXT NOT NULL, measured REAL, bound REAL, witness TEXT NOT NULL, nearness REAL NOT NULL,
  typical REAL);
CREATE TABLE moved(filter TEXT NOT NULL, id TEXT NOT NULL, verdict BLOB NOT NULL,
  PRIMARY KEY(filter, id)) WITHOUT ROWID;
CREATE TABLE near(row INTEGER NOT NULL, filter TEXT NOT NULL, reason TEXT NOT NULL, measured REAL,
  bound REAL, reference TEXT NOT NULL, margin REAL NOT NULL, PRIMARY KEY(row, filter)
  ) WITHOUT ROWID;
CREATE TABLE overlap(place INTEGER PRIMARY KEY, row INTEGER NOT NULL UNIQUE, filter TEXT NOT NULL,
  reason TEXT NOT NULL, measured REAL, bound REAL, reference TEXT NOT NULL);
CREATE TABLE pairs(place INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT NOT NULL, tier TEXT NOT NULL,
  similarity REAL NOT NULL, bound REAL NOT NULL, review REAL);
CREATE TABLE groups(place INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE,
  representative TEXT NOT NULL, members TEXT NOT NULL, diameter REAL, exact INTEGER NOT NULL);
CREATE TABLE members(id TEXT NOT NULL, place INTEGER NOT NULL);
CREATE TABLE neighbor_parts(part INTEGER NOT NULL, row_group INTEGER NOT NULL);
CREATE TABLE slot_values(slot TEXT NOT NULL, value TEXT NOT NULL);
CREATE TABLE facets(name TEXT NOT NULL, value TEXT NOT NULL);
"""

# After the rows: an index that grows row by row takes several times as long.
INDEXES = """
CREATE UNIQUE INDEX images_id ON images(id);
CREATE INDEX images_order ON images(concept, number);
CREATE INDEX images_part ON images(part);
CREATE INDEX images_nearness ON images(nearness);
CREATE INDEX pairs_a ON pairs(a);
CREATE INDEX pairs_b ON pairs(b);
CREATE INDEX members_id ON members(id);
CREATE INDEX members_place ON members(place);
CREATE INDEX neighbor_part ON neighbor_parts(part);
"""

FACETS = """
INSERT INTO facets SELECT DISTINCT 'reasons', reason FROM images WHERE reason <> '';
INSERT INTO facets SELECT DISTINCT 'templates', template FROM images;
"""

DECIDED = "CREATE TEMP TABLE decided(row INTEGER PRIMARY KEY, keep INTEGER NOT NULL)"
"""People's decisions on images, beside the index and never in it."""
