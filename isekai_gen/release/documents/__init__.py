"""Documents for people: card, datasheet, notices, previews, and what authors answered."""
