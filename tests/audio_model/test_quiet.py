import os
import threading

from audio_model.quiet import quiet_stderr


def test_nested_and_threaded_use_restores_standard_error(capfd):
    inside, leave = threading.Event(), threading.Event()

    def stay() -> None:
        with quiet_stderr():
            inside.set()
            leave.wait(10)

    thread = threading.Thread(target=stay)
    with quiet_stderr():
        thread.start()
        assert inside.wait(10)
    os.write(2, b"lost")  # the thread is still inside
    leave.set()
    thread.join()
    os.write(2, b"seen")
    assert capfd.readouterr().err == "seen"


def test_a_process_without_standard_error_works():
    saved = os.dup(2)
    os.close(2)
    try:
        with quiet_stderr():
            pass
    finally:
        os.dup2(saved, 2)
        os.close(saved)
