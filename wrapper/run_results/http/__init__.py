"""How requests are sent: connections, deadlines, limits on bodies, and pages that are asked for ahead."""
