"""What a credential of each kind contains: the catalogue that forms, commands and checks read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class FieldKind:
    """One value of a credential. A `secret` one is sealed and never shown again; `lines` is for one of many lines."""

    name: str
    label: str
    sentence: str
    secret: bool = False
    required: bool = False
    lines: bool = False


@dataclass(frozen=True, slots=True)
class Kind:
    """A sort of credential; an `is_free` one takes any names, and then every value is a secret."""

    name: str
    label: str
    sentence: str
    fields: tuple[FieldKind, ...] = ()
    is_free: bool = False

    def field(self, name: str) -> FieldKind | None:
        """Return the field of this name, None for one that this kind does not have."""
        found = next((each for each in self.fields if each.name == name), None)
        return FieldKind(name, name, "", secret=True) if found is None and self.is_free else found


def _secret(name: str, label: str, sentence: str, *, required: bool = True, lines: bool = False) -> FieldKind:
    return FieldKind(name, label, sentence, secret=True, required=required, lines=lines)


_HOST: Final = FieldKind("host", "Host", "The name or address of the server.", required=True)
_PORT: Final = FieldKind("port", "Port", "The port, where it is not the usual one.")
_USER: Final = FieldKind("username", "User", "The name to sign in with.", required=True)

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        Kind(
            "login",
            "Password",
            "A user name and a password.",
            (
                _USER,
                _secret("password", "Password", "The password."),
                FieldKind("url", "Address", "Where it is for. One such as smtps://mail.example.org can be tested."),
            ),
        ),
        Kind(
            "smtp",
            "Mail server",
            "A user of a server that takes letters.",
            (
                _HOST,
                _PORT,
                FieldKind(
                    "encryption", "Encryption", "tls, or starttls; else tls on port 465, and starttls on others."
                ),
                _USER,
                _secret("password", "Password", "The password."),
                FieldKind("sender", "Sender", "The address that letters come from."),
            ),
        ),
        Kind(
            "api_key",
            "API key",
            "A key that goes along with each request.",
            (
                FieldKind("header", "Header", "The header that carries it, such as X-Api-Key."),
                _secret("key", "Key", "The key."),
                FieldKind("url", "Address", "Where it is for. A test asks there."),
            ),
        ),
        Kind(
            "token",
            "Token",
            "A bearer or access token.",
            (
                _secret("token", "Token", "The token."),
                FieldKind("url", "Address", "Where it is for. A test asks there."),
            ),
        ),
        Kind(
            "ssh_key",
            "SSH key",
            "A private key for SSH or SFTP.",
            (
                FieldKind("host", "Host", "The name or address of the server."),
                _PORT,
                _USER,
                FieldKind("public_key", "Public key", "The half that the server gets; read off the private key."),
                _secret("private_key", "Private key", "The private key, as its file reads.", lines=True),
                _secret("passphrase", "Passphrase", "What the key is protected with.", required=False),
            ),
        ),
        Kind(
            "oauth_client",
            "OAuth client",
            "A client that gets tokens for itself.",
            (
                FieldKind("token_url", "Token address", "Where tokens are asked for.", required=True),
                FieldKind("client_id", "Client ID", "By which the client is known.", required=True),
                _secret("client_secret", "Client secret", "By which the client proves itself."),
                FieldKind("scope", "Scope", "What tokens are asked for, separated by blanks."),
                _secret("refresh_token", "Refresh token", "For which tokens are given.", required=False),
            ),
        ),
        Kind(
            "database",
            "Database",
            "A user of a database server.",
            (
                FieldKind("engine", "Engine", "What kind of server, such as postgresql. Others are only looked for."),
                _HOST,
                _PORT,
                FieldKind("database", "Database", "The name of the database."),
                _USER,
                _secret("password", "Password", "The password."),
            ),
        ),
        Kind(
            "s3",
            "S3 bucket",
            "A bucket of an object store.",
            (
                FieldKind("endpoint", "Endpoint", "The address of the store, where it is not Amazon's."),
                FieldKind("region", "Region", "The region of the bucket."),
                FieldKind("bucket", "Bucket", "The name of the bucket.", required=True),
                FieldKind("access_key_id", "Access key", "By which the account is known.", required=True),
                _secret("secret_access_key", "Secret key", "By which the account proves itself."),
            ),
        ),
        Kind(
            "webhook",
            "Webhook",
            "An address to call, which is itself a secret.",
            (
                _secret("url", "Address", "The whole address, with what makes it secret."),
                _secret("signing_secret", "Signing secret", "What calls are signed with.", required=False),
            ),
        ),
        Kind(
            "file",
            "Secret file",
            "A file that is a secret as a whole, such as a service account.",
            (
                FieldKind("filename", "File name", "What it is called where it is needed."),
                _secret("content", "Content", "The text of the file.", lines=True),
            ),
        ),
        Kind("custom", "Custom", "Values with names of your own, each of them a secret.", is_free=True),
    )
}
"""Every kind by name, in the order in which people choose."""
