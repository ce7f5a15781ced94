"""What stands between the recurrent layers and around them."""
