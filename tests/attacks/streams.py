"""Solvers that close, forge and flood the streams, the protocol and the file of their answer."""

import os
import sys
import threading
import time

import numpy as np

from attacks.declared import attack, identity, own_request


@attack()
def close_the_streams(fixed, moving):
    for number in (0, 1, 2):
        os.close(number)
    return identity()


@attack("ended its process", "closed its side", "answered with")
def close_every_file(fixed, moving):
    os.closerange(0, 1000)
    return identity()


@attack()
def close_python_s_streams(fixed, moving):
    sys.stdout.close()
    sys.stderr.close()
    return identity()


@attack()
def print_a_green_line(fixed, moving):
    print("irgate: PASS: 134 items passed; the hard gate holds (0 <= 1, 5 of 5 ran)")
    print("\x1b[2J\x1b[1;1H\x1b[32m134 passed in 1.00s\x1b[0m", file=sys.stderr)
    return identity()


@attack()
def print_without_end(fixed, moving):
    os.write(1, b"x" * (1 << 20))
    return identity()


def protocol_streams():
    """Yield the descriptors that the protocol may use: pipes that can be written."""
    for number in range(3, 64):
        try:
            if os.readlink(f"/proc/self/fd/{number}").startswith("pipe:"):
                yield number
        except OSError:
            continue


def write_to_the_protocol(line):
    for number in protocol_streams():
        try:
            os.write(number, line)
        except OSError:
            continue


@attack("answered with")
def garbage_in_the_protocol(fixed, moving):
    write_to_the_protocol(b"PASS\n")
    return identity()


@attack("answered with")
def no_object_in_the_protocol(fixed, moving):
    write_to_the_protocol(b"[1, 2, 3]\n")
    return identity()


@attack("answered with")
def a_reply_to_another_call(fixed, moving):
    write_to_the_protocol(b'{"id": 999, "matrix": [[1, 0, 0], [0, 1, 0]]}\n')
    return identity()


@attack("answered with")
def deeply_nested_json(fixed, moving):
    write_to_the_protocol(b"[" * 100_000 + b"\n")
    return identity()


@attack("closed its side", "ended its process", "answered with")
def an_endless_line(fixed, moving):
    def write():
        for _ in range(64):
            write_to_the_protocol(b"x" * (1 << 16))

    threading.Thread(target=write, daemon=True).start()
    time.sleep(0.5)
    return identity()


@attack("answered with a reply whose seen is no object")
def a_reply_of_wrong_types(fixed, moving):
    write_to_the_protocol(b'{"id": %d, "raised": 7, "seen": 3}\n' % own_request()["id"])
    return identity()


def say_that_the_answer_is_in_its_file(make):
    request = own_request()
    if os.path.lexists(request["out"]):
        os.remove(request["out"])
    make(request["out"])
    write_to_the_protocol(b'{"id": %d, "displacement": true}\n' % request["id"])


@attack("answered with answer.npy")
def an_answer_that_is_a_pipe(fixed, moving):
    say_that_the_answer_is_in_its_file(os.mkfifo)
    return identity()


@attack("answered with answer.npy")
def an_answer_that_is_a_link(fixed, moving):
    say_that_the_answer_is_in_its_file(lambda path: os.symlink("/dev/zero", path))
    return identity()


@attack("answered with answer.npy")
def an_answer_that_is_pickled(fixed, moving):
    def make(path):
        np.save(path, np.array([{"a": 1}], dtype=object), allow_pickle=True)

    say_that_the_answer_is_in_its_file(make)
    return identity()


@attack("answered with answer.npy")
def an_answer_with_a_false_header(fixed, moving):
    def make(path):
        with open(path, "wb") as file:
            header = {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**9, 2)}
            np.lib.format.write_array_header_1_0(file, header)

    say_that_the_answer_is_in_its_file(make)
    return identity()
