"""Solvers that leave processes and threads behind, or change what is around them."""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np

from attacks.declared import attack, ended, identity, own_request


@attack()
def fork_and_return_twice(fixed, moving):
    os.fork()
    return identity()


@attack()
def fork_and_stay(fixed, moving):
    if os.fork() == 0:
        time.sleep(1000)
    return identity()


@attack()
def daemon_in_another_session(fixed, moving):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(1000)
        os._exit(0)
    return identity()


@attack()
def program_left_running(fixed, moving):
    subprocess.Popen(["sleep", "1000"], start_new_session=True)
    return identity()


@attack()
def thread_left_running(fixed, moving):
    threading.Thread(target=time.sleep, args=(1000,), daemon=False).start()
    return identity()


@attack(ended("exit status 0"))
def thread_that_exits_the_process(fixed, moving):
    threading.Thread(target=os._exit, args=(0,)).start()
    time.sleep(5)


@attack()
def change_the_folder(fixed, moving):
    os.chdir("/")
    return identity()


@attack()
def clear_the_environment(fixed, moving):
    os.environ.clear()
    return identity()


@attack()
def write_into_its_input(fixed, moving):
    fixed[:] = moving[: fixed.shape[0], : fixed.shape[1]].mean()
    moving[:] = fixed.mean()
    return identity()


@attack()
def overwrite_the_images_on_their_way(fixed, moving):
    for name in ("fixed", "moving"):
        np.save(own_request()[name], np.zeros(fixed.shape, np.float32))
    return identity()


@attack()
def warnings_as_errors(fixed, moving):
    warnings.simplefilter("error")
    return identity()


@attack()
def a_trace_function(fixed, moving):
    sys.settrace(lambda *a: None)
    threading.settrace(lambda *a: None)
    return identity()


@attack()
def an_exit_handler(fixed, moving):
    atexit.register(os._exit, 0)
    return identity()


@attack()
def a_signal_handler(fixed, moving):
    signal.signal(signal.SIGALRM, lambda *a: os._exit(0))
    signal.alarm(600)
    return identity()


@attack()
def put_pipes_where_images_come(fixed, moving):
    """The next call's images, if their place were known: to open a pipe waits for ever."""
    request = own_request()
    for name in ("fixed", "moving"):
        os.remove(request[name])
        os.mkfifo(request[name])
    return identity()


@attack()
def take_the_folder_of_the_images_away(fixed, moving):
    shutil.rmtree(Path(own_request()["fixed"]).parent.parent)
    return identity()
