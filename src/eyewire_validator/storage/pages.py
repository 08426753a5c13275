"""Fill the templates of pages that are opened from a disk."""

from jinja2 import Environment, PackageLoader, StrictUndefined


def page_templates(package: str) -> Environment:
    """Return the templates of a package; text from outside is escaped in them.

    A name that a template does not get is a mistake, and raises.

    Args:
        package: whose folder they lie in.
    """
    return Environment(
        loader=PackageLoader(package, "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
