#!/usr/bin/env python3
"""Run the whole system on this machine: PostgreSQL, emulated AWS, the deployed stack, the UI."""

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

import stack_env
from local_cloud import compose, emulator, localstack, ownership, processes, samples, supervisor, ui
from local_cloud.clouds import CLOUDS
from local_cloud.config import ROOT, LocalCloudError, Place, Ports
from local_cloud.progress import Steps
from local_cloud.stack import API_HEALTH, Stack, running_stack

console = Console(highlight=False)
# The servers' home is the state folder; what they keep in `.cache` goes with the data.
FOLDERS = ("postgres", "emulator", "localstack", "registry", "samples", "logs", ".cache")
DATA = (*FOLDERS, "secrets.json", "stack.env", "lock", "owner.json")


def main(arguments: list[str] | None = None) -> int:
    """Run one of the commands; return its exit code."""
    args = _parser().parse_args(arguments)
    try:
        if args.command == "up":
            ports = Ports(args.emulator_port, args.postgres_port, args.ui_port)
            place = Place(args.state, ports, cloud=args.cloud)
            return start_detached(place) if args.detach else up(place)
        return down(args.state, purge=args.purge) if args.command == "down" else status(args.state)
    except LocalCloudError as error:
        console.print(error, style="red", soft_wrap=True, markup=False)
        return 1


def up(place: Place) -> int:
    """Bring the stack up and stay in front until Ctrl-C, `make down` or the death of a server."""
    supervisor.interrupt_on_signals()
    try:
        with supervisor.owning(place.folder):
            processes.stop_leftovers(place.folder)
            with running_stack(place, step=Steps(console), with_ui=True) as stack:
                with Steps(console)("Sample files"):
                    samples.feed(place, stack.env)
                supervisor.say(place.folder, ready=True)
                _print_urls(stack.env)
                console.print("Ctrl-C stops everything." if console.is_terminal else "Ready.")
                return _wait_for_death(stack)
    except supervisor.AlreadyRunningError as running:
        return _report_running(place, running)
    except KeyboardInterrupt:
        console.print("Stopped.")
        return 0


def start_detached(place: Place) -> int:
    """Run `up` in a session of its own; return when its stack answers."""
    running = supervisor.owner(place.folder)
    if running is not None:
        return _report_running(place, running)
    place.logs.mkdir(parents=True, exist_ok=True)
    log = place.logs / "up.log"
    ports = [f"--{name}-port={port}" for name, port in vars(place.ports).items()]
    with log.open("w") as output:
        child = subprocess.Popen(
            [sys.executable, __file__, "up", f"--state={place.folder}", f"--cloud={place.cloud}", *ports],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    with log.open() as said:
        try:
            while child.poll() is None and not supervisor.is_ready(place.folder, child.pid):
                print(said.read(), end="", flush=True)
                time.sleep(0.2)
        except KeyboardInterrupt:
            child.terminate()
            child.wait()
        print(said.read(), end="", flush=True)
    return child.poll() or 0


def down(folder: Path, *, purge: bool) -> int:
    """Stop whatever runs in the state folder, and forget its data if asked to."""
    stopped = supervisor.stop(folder)
    left = processes.stop_leftovers(folder)
    place = Place(folder, Ports(), cloud="localstack")
    compose.down(place, forget=purge)
    console.print("Stopped." if stopped or left else "Nothing is running.")
    if purge:
        for stays in ownership.forget(place):
            console.print(stays, style="yellow", soft_wrap=True, markup=False)
        for name in DATA:
            path = folder / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        console.print(f"Forgot the data in {folder}.", soft_wrap=True)
    return 0


def status(folder: Path) -> int:
    """Print what runs where; exit with 1 unless everything is healthy."""
    running = supervisor.owner(folder)
    if running is None:
        console.print("Nothing is running; start it with `make up`.")
        return 1
    if not running.ready:
        console.print(running)
        return 1
    env = stack_env.read(folder / "stack.env")
    table = Table("what", "where", "healthy")
    servers = (
        ("API", "API_URL", API_HEALTH),
        ("AWS", "AWS_ENDPOINT_URL", localstack.HEALTH if env["CLOUD"] == "localstack" else emulator.HEALTH),
        ("web page", "UI_URL", ui.HEALTH),
    )
    healthy = {title: (env[name], processes.answers(env[name] + path)) for title, name, path in servers}
    healthy["PostgreSQL"] = (env["DATABASE_URL"].partition("@")[2], _database_answers(env["DATABASE_URL"]))
    for name, (where, well) in healthy.items():
        table.add_row(name, where, "[green]yes[/]" if well else "[red]no[/]")
    console.print(table)
    return 0 if all(well for _, well in healthy.values()) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    starting = commands.add_parser("up", help="start everything and deploy")
    for name, port in vars(Ports()).items():
        starting.add_argument(f"--{name}-port", type=int, default=port, help=f"default {port}")
    starting.add_argument(
        "--cloud",
        choices=list(CLOUDS),
        default="embedded",
        help="embedded, which needs nothing (default), or localstack: in containers, or where AWS_ENDPOINT_URL says",
    )
    starting.add_argument("--detach", action="store_true", help="return when it is ready")
    stopping = commands.add_parser("down", help="stop everything")
    stopping.add_argument("--purge", action="store_true", help="also forget the data")
    commands.add_parser("status", help="say what runs where, healthy or not")
    for command in commands.choices.values():
        command.add_argument(
            "--state", type=Path, default=ROOT / ".local", metavar="DIR", help="state folder, .local by default"
        )
    return parser


def _wait_for_death(stack: Stack) -> int:
    while True:
        for server in stack.servers:
            if server.process.poll() is not None:
                raise LocalCloudError(f"{server.name} ended by itself; see {server.log}. Stopping the rest.")
        time.sleep(0.5)


def _report_running(place: Place, running: supervisor.AlreadyRunningError) -> int:
    console.print(f"{running} `make down` stops it.")
    if running.ready:
        _print_urls(stack_env.read(place.env_file))
    return 0


def _print_urls(env: dict[str, str]) -> None:
    console.print(f"  API         {env['API_URL']}  (x-api-key: {env['API_KEY']})", soft_wrap=True)
    console.print(f"  web page    {env['UI_URL']}", soft_wrap=True)
    console.print(f"  AWS         {env['AWS_ENDPOINT_URL']}", soft_wrap=True)
    console.print(f"  PostgreSQL  {env['DATABASE_URL']}", soft_wrap=True)


def _database_answers(url: str) -> bool:
    import psycopg2

    try:
        psycopg2.connect(url, connect_timeout=5).close()
    except psycopg2.OperationalError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main())
