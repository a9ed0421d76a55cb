# Made from openapi.yaml by `make generate`. Changes made here are lost: change the spec or a template.
"""Contains endpoint functions for accessing the API"""
