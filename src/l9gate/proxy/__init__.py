"""What stands between an application and the API: the recording proxy."""
