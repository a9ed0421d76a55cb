# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
"""Contains methods for accessing the API"""
