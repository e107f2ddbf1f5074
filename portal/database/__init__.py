"""What the portal changes about Django's database backends."""
