"""What people look at: sheets, differences, losses; and the index by which pictures are found."""
