"""Talking to model servers at home: one protocol, four kinds of server, and finding them."""
