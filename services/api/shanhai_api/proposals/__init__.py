"""`/proposals`: revising what is planned, by proposal and decision."""
