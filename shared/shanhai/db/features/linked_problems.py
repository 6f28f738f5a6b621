"""Problems that projects act on, each once: an edition's copy takes the place of what it is of."""


def newest_of(project: str) -> str:
    """SQL that holds for a problem `b` of a project unless a copy of it is linked to that, too."""
    # The alias is a constant of the callers.
    return (
        "NOT EXISTS (SELECT FROM project_problem further JOIN problem later"
        f" ON later.id = further.problem_id WHERE further.project_id = {project}.id"
        " AND later.copied_from_id = b.id AND later.deleted_at IS NULL)"
    )
