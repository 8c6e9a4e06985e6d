"""The toolkit without a browser."""
