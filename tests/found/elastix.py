"""elastix on arrays as they come."""

import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import itk

    # It loads on first use, and may not do so in another thread than the main one.
    itk.ParameterObject, itk.elastix_registration_method  # noqa: B018
    itk.image_from_array(np.zeros((2, 2), np.float32))


def translation(fixed, moving):
    """elastix_registration_method of what image_from_array makes of two arrays."""
    images = [itk.image_from_array(np.array(image, np.float32)) for image in (fixed, moving)]
    parameters = itk.ParameterObject.New()
    parameters.AddParameterMap(parameters.GetDefaultParameterMap("translation", 3))
    _, found = itk.elastix_registration_method(
        *images, parameter_object=parameters, log_to_console=False, number_of_threads=1
    )
    dx, dy = (float(value) for value in found.GetParameterMap(0)["TransformParameters"])
    return np.array([[1, 0, dx], [0, 1, dy]])


translation.models = ("translation",)
