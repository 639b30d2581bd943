"""The state folder: where each file of an installation lies."""

from dataclasses import dataclass
from pathlib import Path

from bot.settings import Settings


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one installation; nothing is made by asking for them."""

    root: Path
    policy_file: Path
    mutation_artifacts: Path
    triage_artifacts: Path

    @classmethod
    def of(cls, settings: Settings) -> "Home":
        """Return the paths that the settings name, with their defaults below the state folder."""
        root = settings.home.absolute()
        return cls(
            root=root,
            policy_file=settings.policy_file or root / "control_plane_policy.json",
            mutation_artifacts=settings.mutation_artifacts or root / "artifacts" / "mutation",
            triage_artifacts=settings.triage_artifacts or root / "artifacts" / "triage",
        )

    @property
    def database(self) -> Path:
        """Return the SQLite file."""
        return self.root / "reins.db"

    @property
    def people_file(self) -> Path:
        """Return the people directory."""
        return self.root / "people.json"

    @property
    def audit_key_file(self) -> Path:
        """Return the seed of the key that signs seals."""
        return self.root / "audit.key"

    @property
    def halt_file(self) -> Path:
        """Return the file whose presence holds the mode at off."""
        return self.root / "HALT"

    @property
    def forge_folder(self) -> Path:
        """Return the local forge's job files."""
        return self.root / "forge"

    @property
    def reports_folder(self) -> Path:
        """Return where report bundles are written."""
        return self.root / "reports"

    @property
    def console_socket(self) -> Path:
        """Return the local socket that `reins chat` talks to."""
        return self.root / "console.sock"
