"""Sample data and load: everything here uses the published client, as any caller would."""
