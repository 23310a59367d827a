"""Rows of a table brought back from a copy: `make restore STACK=prod FROM=name`.

DynamoDB restores a point in time into a *new* table, without its tags, its lifetime of rows and its protection, and no
role of the stack may use it. So the rows are copied back into the stack's own table, and nothing has to be changed or
deployed. A row that is there stays as it is: it is newer than its copy, and where a job stands is not turned back.
With `overwrite` a copy that differs wins, which is for rows that were damaged.

What a job still owed when it was lost is in its row, so the sweeper takes it up again as if a message had been lost.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError
from msgspec import Struct

from adapters.clients import AwsClient
from adapters.errors import code_of
from client.errors import BadInput, DarkroomError
from components.naming import physical_name
from contracts.tables import JOBS, REGISTRY, Table
from operations.asking import asking
from operations.stacks import StackFile

TABLES: Final = {table.name: table for table in (JOBS, REGISTRY)}
AT_ONCE: Final = 16
"""Rows that are written at once: about 1,000 a second, which a table takes that was not warmed up."""

Item = Mapping[str, Mapping[str, Any]]


class Restored(Struct, frozen=True, kw_only=True):
    """How many rows of the copy were looked at, and how many of them were written."""

    seen: int
    written: int


def bring_back(
    client: AwsClient,
    table: Table,
    copy: str,
    target: str,
    *,
    overwrite: bool = False,
) -> Restored:
    """Write the rows of `copy` that `target` lacks; with `overwrite` all of them. May be stopped and run again."""
    condition = {} if overwrite else _only_if_missing(table)
    seen = written = 0

    def put(item: Item) -> bool:
        try:
            client.put_item(TableName=target, Item=item, **condition)
        except ClientError as refused:
            if code_of(refused) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        for page in _pages(client, copy):
            written += sum(crowd.map(put, page))
            seen += len(page)
    return Restored(seen=seen, written=written)


def _only_if_missing(table: Table) -> dict[str, Any]:
    return {
        "ConditionExpression": "attribute_not_exists(#key)",
        "ExpressionAttributeNames": {"#key": table.hash_key},
    }


def _pages(client: AwsClient, name: str) -> Iterator[list[Item]]:
    begin: dict[str, Any] = {}
    while True:
        page = client.scan(TableName=name, ConsistentRead=True, **begin)
        yield page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        begin = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


def main(arguments: Sequence[str] | None = None) -> int:
    """`python -m operations.restoring STACK COPY [--table jobs] [--overwrite]`."""
    parser = argparse.ArgumentParser(prog="restoring", description=__doc__)
    parser.add_argument("stack")
    parser.add_argument("copy", help="name of the table that a point in time was restored into")
    parser.add_argument("--table", choices=sorted(TABLES), default=JOBS.name)
    parser.add_argument("--overwrite", action="store_true", help="also rows that are there and differ")
    given = parser.parse_args(arguments)
    target = physical_name(given.stack, given.table)
    try:
        if given.copy == target:
            raise BadInput(f"{target} is the stack's own table", "name the one that it was restored into")
        region = StackFile(Path(), given.stack).region
        with asking("dynamodb", region) as client:
            done = bring_back(client, TABLES[given.table], given.copy, target, overwrite=given.overwrite)
    except DarkroomError as error:
        sys.stderr.write(f"{error}; {getattr(error, 'advice', '')}\n")
        return 1
    sys.stdout.write(f"{done.seen} rows in {given.copy}, {done.written} of them written to {target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
