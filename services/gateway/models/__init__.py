"""How resources are shown; the fields are the API's contract."""
