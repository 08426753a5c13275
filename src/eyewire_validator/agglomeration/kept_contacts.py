"""Find the contacts that a model scored when volumes were downsampled."""

from eyewire_validator.agglomeration.contact_model import ContactModel
from eyewire_validator.volumes.fine_contacts import FineContacts
from eyewire_validator.volumes.store import VolumeStore


def fine_contacts_by(
    model: ContactModel, store: VolumeStore, volume: int
) -> FineContacts | None:
    """Return what this very model found at full resolution; none if it was not asked.

    Raises:
        TableError: the table is damaged.
    """
    file = store.fine_contacts_file(volume)
    if file is None or FineContacts.scored_by_of(file) != model.scored_by:
        return None
    return FineContacts.read(file)
