"""Part of the apps of these tests: an extension that raises in every hook."""

from ext_sdk import AppExtension


class Broken(AppExtension):
    """Further out than all others."""

    order = -1

    @classmethod
    def post_function_load_app_level(cls, function_name, function_directory):
        raise RuntimeError("load")

    @classmethod
    def pre_invocation_app_level(cls, logger, context, func_args):
        raise RuntimeError("pre")

    @classmethod
    def around_invocation(cls, invocation):
        yield
        raise RuntimeError("around")

    @classmethod
    def post_invocation_app_level(cls, logger, context, func_args, func_ret):
        raise RuntimeError("post")

    @classmethod
    def invocation_failed_app_level(cls, logger, context, func_args, error):
        raise RuntimeError("failed")
