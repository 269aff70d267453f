"""Creates a user and reads it back at once."""

import sys

from daybook import Client
from daybook.api.commands import create_user, send_commands
from daybook.api.views import get_users
from daybook.models import (
    BatchRenameUser, BatchRenameUserCommand, CommandCreateUser, CommandRenameUser, CreateUserBody,
)

client = Client(base_url=sys.argv[1])
user = CommandCreateUser(name="Ada", email="python@example.com")
accepted = create_user.sync(client=client, body=CreateUserBody(id="python", payload=user), idempotency_key="python-1")
row = get_users.sync("python", client=client, after=accepted.token)
print(row.name, row.version)
assert (row.name, row.version) == ("Ada", 1)

# A batch: each element is the model of its command.
rename = BatchRenameUser(command=BatchRenameUserCommand.RENAME_USER, id="python", payload=CommandRenameUser(name="Bob"))
[result] = send_commands.sync(client=client, body=[rename])
assert (result.status, result.version) == (200, 2)
