"""Two faults that give pictures that look right, and that an average over the battery forgives."""


def test_a_weak_gamma_on_one_image_fails_items_under_a_mean_that_passes(gate, report_of):
    gate("-n", "2", "--irgate-json", "r.json", solver="gamma", suites="contract,base,battery")
    report = report_of("r.json")
    assert report["exit_status"] == 1
    assert report["verdicts"]["hard_gate"]["status"] == "pass"
    assert report["verdicts"]["mean_ratio"]["status"] == "pass"
    failed = {row["case"] for row in report["cases"] if row["status"] == "failed"}
    assert {"identity", "bspline_random_2d"} <= failed


def test_a_centre_half_a_pixel_off_fails_where_the_hard_gate_holds(gate, report_of):
    """And on the MRI pair by its distance to the truth alone: its ratio stays under 1.1."""
    gate("-n", "2", "--irgate-json", "r.json", solver="off_centre", suites="base,battery")
    report = report_of("r.json")
    assert report["exit_status"] == 1
    assert report["verdicts"]["hard_gate"]["status"] == "pass"
    rows = {row["case"]: row for row in report["cases"]}
    assert rows["synth_rotate_2d"]["status"] == "failed"
    unseen = [
        row
        for row in report["cases"]
        if row["status"] == "failed" and row["ratio"] < 1.1 and row["suite"] == "battery"
    ]
    assert [row["case"] for row in unseen] != []
    assert all(row["tre_px"] > row["tolerance_px"] for row in unseen)
