"""The service as a whole: founded, assembled, started, looked after and stopped."""
