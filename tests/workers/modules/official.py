"""Part of the apps of these tests: extensions that know azure-functions' own base classes and nothing of ours."""

import json
import os

from azure.functions import AppExtensionBase, FuncExtensionBase


def note(what, context=None, **facts):
    """As in notes.py, which imports ext_sdk."""
    with open(os.environ["RECORD"], "a") as file:
        file.write(json.dumps({"what": what, "id": context.invocation_id if context else "", **facts}) + "\n")


class Official(AppExtensionBase):
    """The app's own."""

    @classmethod
    def init(cls):
        cls.greeting = "none"

    @classmethod
    def configure(cls, greeting):
        cls.greeting = greeting

    @classmethod
    def post_function_load_app_level(cls, function_name, function_directory, *args, **kwargs):
        note("app load", function=function_name)

    @classmethod
    def pre_invocation_app_level(cls, logger, context, func_args, *args, **kwargs):
        note("app pre", context, args=sorted(func_args), greeting=cls.greeting)

    @classmethod
    def post_invocation_app_level(cls, logger, context, func_args, func_ret, *args, **kwargs):
        note("app post", context, result=func_ret.get_body().decode())


class OfficialOfOne(FuncExtensionBase):
    """One function's."""

    def __init__(self, file_path):
        super().__init__(file_path)

    def post_function_load(self, function_name, function_directory, *args, **kwargs):
        note("own load", function=function_name)

    def pre_invocation(self, logger, context, func_args, *args, **kwargs):
        note("own pre", context)

    def post_invocation(self, logger, context, func_args, func_ret, *args, **kwargs):
        note("own post", context)


Official.configure(greeting="hello")
