"""Whether a function's parameters and annotations fit its bindings: the workers' rules, each refusal in one line."""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from ext_devkit.errors import DevkitError
from ext_devkit.host.bindings import HTTP, HTTP_TRIGGER, RETURN, Binding, fits, has_implicit_output
from ext_devkit.host.functions import ParamTypeInfo

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ext_devkit.host.web import WebFramework


@dataclass(frozen=True)
class Signature:
    """What the registry keeps of a function's parameters."""

    requires_context: bool
    inputs: dict[str, ParamTypeInfo]
    outputs: dict[str, ParamTypeInfo]
    returns: ParamTypeInfo | None
    has_return: bool


def read_signature(
    func: Callable[..., Any], bindings: Sequence[Binding], place: str, web: WebFramework | None = None
) -> Signature:
    """Match a function with its bindings; `place` names the function in errors, `web` has the types for HTTP."""
    parameters = _parameters(func, place)
    hints = _hints(func, place)
    bound = {binding.name: binding for binding in bindings if binding.name != RETURN}
    requires_context = "context" in parameters and "context" not in bound
    if requires_context:
        parameters.remove("context")
        _check_context(hints, place)
    _check_names(parameters, list(bound), place)
    types = {name: _parameter_type(bound[name], hints, place, web) for name in parameters}
    explicit = next((binding for binding in bindings if binding.name == RETURN), None)
    implicit = next((binding for binding in bindings if has_implicit_output(binding.type)), None)
    return Signature(
        requires_context=requires_context,
        inputs={name: info for name, info in types.items() if not bound[name].is_out},
        outputs={name: info for name, info in types.items() if bound[name].is_out},
        returns=_return_type(explicit, implicit, hints, place, web),
        has_return=explicit is not None or implicit is not None,
    )


def _parameters(func: Callable[..., Any], place: str) -> list[str]:
    try:
        return list(inspect.signature(func).parameters)
    except ValueError as error:  # some built-in callables keep theirs to themselves
        raise DevkitError(f"{place}: {error}. Use a function of your own.") from error


def _hints(func: Callable[..., Any], place: str) -> dict[str, Any]:
    try:
        return typing.get_type_hints(func)
    except Exception as error:
        raise DevkitError(f"{place}: its annotations cannot be resolved: {type(error).__name__}: {error}.") from error


def _check_context(hints: dict[str, Any], place: str) -> None:
    annotation = hints.get("context")
    if annotation is not None and getattr(annotation, "__name__", "") != "Context":
        raise DevkitError(
            f"{place}: the parameter 'context' must be annotated azure.functions.Context or not at all, "
            f"found {_name(annotation)}."
        )


def _check_names(parameters: list[str], bound: list[str], place: str) -> None:
    unbound = [name for name in parameters if name not in bound]
    if unbound:
        raise DevkitError(
            f"{place}: {_list('parameter', unbound)} no binding of that name. "
            f"Bindings: {', '.join(bound)}. Rename the parameter or add a binding."
        )
    missing = [name for name in bound if name not in parameters]
    if missing:
        raise DevkitError(
            f"{place}: {_list('binding', missing)} no parameter of that name. Add the parameter or remove the binding."
        )


def _parameter_type(binding: Binding, hints: dict[str, Any], place: str, web: WebFramework | None) -> ParamTypeInfo:
    if binding.name not in hints:
        return ParamTypeInfo(binding.type, None)
    annotation = hints[binding.name]
    is_out = _is_out(annotation)
    wanted = f"{place}: the {'output' if binding.is_out else 'input'} binding {binding.name!r} ({binding.type})"
    if is_out != binding.is_out:
        form = "azure.functions.Out[...]" if binding.is_out else "the value's type, not azure.functions.Out"
        raise DevkitError(f"{wanted} must be annotated {form}; found {_name(annotation)}.")
    pytype = _inside_out(annotation, wanted) if is_out else annotation
    if not isinstance(pytype, type) and typing.get_origin(pytype) is None:
        raise DevkitError(f"{wanted} has the annotation {_name(pytype)}, which is no type.")
    kind = "generic" if pytype in (str, bytes) and not has_implicit_output(binding.type) else binding.type
    if not fits(kind, pytype, is_out=is_out, web=web):
        spelt: Any = typing.List  # noqa: UP006 - the only list that azure.functions knows
        if typing.get_origin(pytype) is list and fits(kind, spelt[typing.get_args(pytype)], is_out=is_out):
            raise DevkitError(f"{wanted} does not take the annotation {_name(pytype)}. Write typing.List[...] for it.")
        _refuse(wanted, pytype, web if kind in {HTTP, HTTP_TRIGGER} else None)
    return ParamTypeInfo(kind, pytype)


def _return_type(
    explicit: Binding | None, implicit: Binding | None, hints: dict[str, Any], place: str, web: WebFramework | None
) -> ParamTypeInfo | None:
    if explicit is None:
        return ParamTypeInfo(implicit.type, hints.get("return")) if implicit else None
    if "return" not in hints:
        return ParamTypeInfo(explicit.type, None)
    pytype = hints["return"]
    wanted = f'{place}: the output binding "$return" ({explicit.type})'
    if not isinstance(pytype, type):
        raise DevkitError(f"{wanted} has the return annotation {_name(pytype)}; the worker takes one plain type here.")
    if not fits(explicit.type, pytype, is_out=True, web=web):
        _refuse(wanted, pytype, web if explicit.type == HTTP else None)
    return ParamTypeInfo(explicit.type, pytype)


def _refuse(wanted: str, pytype: Any, web: WebFramework | None) -> NoReturn:
    cure = "Use a type of azure.functions for it."
    if web is not None:
        package = web.module.rpartition(".")[0]
        cure = f"All HTTP functions of an app that imports {package} take and return its types: use one of them."
    raise DevkitError(f"{wanted} does not take the annotation {_name(pytype)}. {cure}")


def _is_out(annotation: Any) -> bool:
    return getattr(typing.get_origin(annotation) or annotation, "__name__", "") == "Out"


def _inside_out(annotation: Any, wanted: str) -> Any:
    arguments = typing.get_args(annotation)
    if len(arguments) != 1:
        raise DevkitError(f"{wanted} must be annotated azure.functions.Out[...] with one type inside.")
    return arguments[0]


def _list(noun: str, names: list[str]) -> str:
    quoted = ", ".join(map(repr, names))
    return f"{noun} {quoted} has" if len(names) == 1 else f"{noun}s {quoted} have"


def _name(annotation: Any) -> str:
    if typing.get_origin(annotation) is None and isinstance(annotation, type):
        return annotation.__qualname__
    return str(annotation).replace("azure.functions._abc.", "azure.functions.")
