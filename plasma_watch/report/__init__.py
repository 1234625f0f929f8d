"""What people look at: sheets of pictures with their labels, and where two pictures differ."""
