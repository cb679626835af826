"""`register` under `torch.func`: `grad`, `vjp` and `jacrev` work, `vmap` and `jvp` are refused.

A solve decides on the host, step by step, so it wants tensors that hold numbers. Under a transform
of `torch.func` tensors are wrapped. The whole call is then one operation: it sees the plain tensors
below the wrapping, is solved on these as ever, attached to a graph of its own, and its derivative
is pulled back through that graph.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from irgate_solver import _result
from irgate_solver._result import Result

AGAIN = (
    "register: its gradient was differentiated again; expected one derivative only, as the "
    "implicit function theorem is applied once: take second derivatives by differences of the "
    "gradient"
)
FORWARD = (
    "register: forward-mode differentiation (jvp, jacfwd) came; expected reverse mode, as the "
    "implicit function theorem is solved with the transposed Hessian: use grad, vjp or jacrev"
)
MAPPED = (
    "register: vmap came; expected a batch, as every pair takes a number of steps of its own: "
    "pass (B, H, W) images, which are solved together, each pair as if alone"
)


class Call:
    """One call of the solver, and the result that it gave on plain tensors.

    Attributes:
        run: from the differentiable inputs to a result.
        leaves: those inputs, plain, attached to a graph of their own.
        result: what `run` returned for them.

    """

    leaves: list[Tensor]
    result: Result

    def __init__(self, run: Callable[..., Result]) -> None:
        self.run = run

    def solve(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return p* of plain `inputs`, `(n,)` or `(B, n)`, detached."""
        with torch.enable_grad():
            self.leaves = [
                value.detach().requires_grad_(value.is_floating_point()) for value in inputs
            ]
            self.result = self.run(*self.leaves)
        return self.result.parameters.detach()

    def pull(self, cotangent: Tensor) -> tuple[Tensor, ...]:
        """Return the derivatives by the inputs of `cotangent` . p*, as the leaves are shaped."""
        wanted = [leaf for leaf in self.leaves if leaf.requires_grad]
        with torch.enable_grad():
            found = iter(
                torch.autograd.grad(
                    self.result.parameters, wanted, cotangent, retain_graph=True, allow_unused=True
                )
            )
        gradients = []
        for leaf in self.leaves:
            gradient = next(found) if leaf.requires_grad else None
            gradients.append(torch.zeros_like(leaf) if gradient is None else gradient.detach())
        return tuple(gradients)


class _Solve(torch.autograd.Function):
    """p* of the inputs, as one operation."""

    @staticmethod
    def forward(call: Call, *inputs: Tensor) -> Tensor:
        return call.solve(inputs)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.call = inputs[0]
        ctx.save_for_backward(*inputs[1:])

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        return (None, *_apply_pull(ctx.call, cotangents[0], *ctx.saved_tensors))

    @staticmethod
    def vmap(info: Any, in_dims: Any, *inputs: Any) -> Any:
        raise RuntimeError(MAPPED)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        raise RuntimeError(FORWARD)


class _Pull(torch.autograd.Function):
    """The derivative of `_Solve`, as one operation, which `jacrev` maps over cotangents.

    It takes the inputs too, so that a derivative of it by them is refused and not zero.
    """

    @staticmethod
    def forward(call: Call, cotangent: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
        return call.pull(cotangent)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        pass

    @staticmethod
    def backward(ctx: Any, *cotangents: Tensor) -> tuple[Tensor | None, ...]:
        raise RuntimeError(AGAIN)

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        raise RuntimeError(AGAIN)

    @staticmethod
    def vmap(info: Any, in_dims: Any, call: Call, cotangent: Tensor, *inputs: Tensor) -> Any:
        rows = [_apply_pull(call, row, *inputs) for row in cotangent.movedim(in_dims[1], 0)]
        stacked = tuple(torch.stack(columns) for columns in zip(*rows, strict=True))
        return stacked, (0,) * len(stacked)


# `apply` carries no types of its own.
_apply_solve: Callable[..., Tensor] = _Solve.apply
_apply_pull: Callable[..., tuple[Tensor, ...]] = _Pull.apply


def transformed(*values: Any) -> bool:
    """Return whether one of `values` is a tensor that a transform of `torch.func` has wrapped."""
    return any(
        isinstance(value, Tensor) and torch._C._functorch.is_functorch_wrapped_tensor(value)
        for value in values
    )


def register(run: Callable[..., Result], inputs: dict[str, Any]) -> Result:
    """Return the result of `run(**inputs)`, attached to the transform's graph.

    Args:
        run: the solver; it takes `inputs` by name.
        inputs: what it may be differentiated by; what is no tensor is handed on as it is.

    """
    names = [name for name, value in inputs.items() if isinstance(value, Tensor)]
    fixed = {name: value for name, value in inputs.items() if name not in names}
    call = Call(lambda *leaves: run(**fixed, **dict(zip(names, leaves, strict=True))))
    p = _apply_solve(call, *(inputs[name] for name in names))
    result = call.result
    batch = p if result.parameters.dim() == 2 else p[None]
    matrix, control_points = _result.transform_of(result._objective.warp, batch)
    if result.parameters.dim() == 1:
        matrix = None if matrix is None else matrix[0]
        control_points = None if control_points is None else control_points[0]
    return replace(result, parameters=p, matrix=matrix, control_points=control_points)
