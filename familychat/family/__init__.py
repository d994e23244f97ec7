"""Who is who and who may what: every front end passes through here."""
