"""SimpleITK, wrapped in a few lines as a user would."""

import SimpleITK as sitk


def register(fixed, moving, model, intensity, mask):
    # Its tolerances are made for grey values of the usual size.
    fixed, moving = sitk.GetImageFromArray(255 * fixed), sitk.GetImageFromArray(255 * moving)
    method = sitk.ImageRegistrationMethod()
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2, 1, 0])
    if mask is not None:
        method.SetMetricFixedMask(sitk.GetImageFromArray(mask.astype("uint8")))
    if intensity == "same":
        method.SetMetricAsMeanSquares()
    else:
        method.SetMetricAsCorrelation()
    if model == "ffd":
        start = sitk.BSplineTransformInitializer(fixed, [1, 1], 3)
        method.SetOptimizerAsLBFGS2(1e-7, 200)
    else:
        kinds = {
            "translation": sitk.TranslationTransform(2),
            "rigid": sitk.Euler2DTransform(),
            "affine": sitk.AffineTransform(2),
        }
        start = kinds[model]
        if model != "translation":
            start.SetCenter([(n - 1) / 2 for n in fixed.GetSize()])
        method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-5, 300)
        method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(start)
    found = method.Execute(fixed, moving)
    field = sitk.TransformToDisplacementField(found, sitk.sitkVectorFloat64, fixed.GetSize())
    return sitk.GetArrayFromImage(field)


# Without a search turns from 30 degrees on and shifts from 45 px on are lost, some or all.
register.reach = {"degrees": 25, "px": 30}
