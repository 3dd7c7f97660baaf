"""How a release is made: shards, staging, the order of files."""
