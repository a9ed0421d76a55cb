"""The family `inputs`: which requests are valid, and how the others are answered; one module a part of a request."""
