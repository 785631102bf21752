"""Everything that the doctor looks for. docs/reference/doctor.md lists it; a test holds the two together."""

from __future__ import annotations

from ext_devkit.doctor.findings import Rule

_REPORTS = "docs/explanation/who-reports-what.md"
_LOGS = "docs/explanation/who-stores-logs.md"
_WORKERS = "docs/explanation/workers.md#extensions-of-the-official-kind"
_BESIDE = f"{_REPORTS}#beside-azure-monitor-opentelemetry"
_HOOKS = "docs/reference/sdk.md#all-hooks"
_SETTINGS = "docs/reference/sdk.md#settings"
_MIGRATE = "docs/how-to/migrate-from-opencensus.md"

_APP = (
    Rule("not-python", "error", "A file of the app is no Python.", "Mend the line."),
    Rule("not-json", "error", "host.json, local.settings.json or a function.json cannot be read.", "Mend the file."),
    Rule(
        "entry-point-missing",
        "error",
        "function.json names a file or an entry point that does not exist.",
        "Create it, or mend scriptFile and entryPoint in function.json.",
    ),
    Rule(
        "both-models",
        "warning",
        "Beside function_app.py there are folders with function.json, which the worker leaves out.",
        "Move the functions to one programming model, or take the other's files away.",
    ),
    Rule(
        "python-too-old",
        "error",
        "The app is for a Python older than 3.10, which Azure Functions and these extensions no longer run on.",
        "Move the app to Python 3.10 or later.",
    ),
    Rule(
        "python-untried",
        "info",
        "The app is for a Python newer than 3.13, on which these extensions have not been tried.",
        "Try it before production, or take Python 3.13.",
        _WORKERS.partition("#")[0],
    ),
)

_SETTINGS_RULES = (
    Rule(
        "settings-unknown",
        "info",
        "There is no local.settings.json, so findings about app settings are left out.",
        "Give the app settings: az functionapp config appsettings list > settings.json, then --settings settings.json.",
    ),
    Rule(
        "wrong-worker-runtime",
        "error",
        "FUNCTIONS_WORKER_RUNTIME is not python, so no Python function is loaded.",
        "Set FUNCTIONS_WORKER_RUNTIME to python.",
    ),
    Rule(
        "extensions-switched-off",
        "error",
        "PYTHON_ENABLE_WORKER_EXTENSIONS is a false value, and the app has extensions: none of them runs.",
        "Set PYTHON_ENABLE_WORKER_EXTENSIONS to 1.",
        "docs/reference/sdk.md",
    ),
    Rule(
        "flag-missing",
        "error",
        "PYTHON_ENABLE_WORKER_EXTENSIONS is no true value, and an extension of the official kind needs it.",
        "Set PYTHON_ENABLE_WORKER_EXTENSIONS to 1.",
        _WORKERS,
    ),
    Rule(
        "flag-not-read",
        "warning",
        "PYTHON_ENABLE_OPENTELEMETRY is a false value; the worker up to Python 3.12 takes any value for true.",
        "Remove the setting: only without it the worker leaves OpenTelemetry alone.",
        f"{_REPORTS}#the-parties",
    ),
    Rule(
        "connection-string-malformed",
        "error",
        "A connection string cannot be read, so telemetry goes nowhere.",
        "Copy it whole from the Overview page of the Application Insights resource.",
        "docs/how-to/azure-monitor.md",
    ),
    Rule(
        "connection-string-missing",
        "info",
        "An extension exports to Application Insights, and no connection string is set.",
        "Set APPLICATIONINSIGHTS_CONNECTION_STRING in Azure; on your machine `azfunc-ext run` sets it.",
        "docs/how-to/azure-monitor.md",
    ),
    Rule(
        "no-destination",
        "warning",
        "The app settings of Azure, given with --settings, have no connection string: telemetry goes nowhere.",
        "Set APPLICATIONINSIGHTS_CONNECTION_STRING.",
        "docs/how-to/azure-monitor.md",
    ),
    Rule(
        "instrumentation-key-only",
        "warning",
        "Only APPINSIGHTS_INSTRUMENTATIONKEY is set, which the host does not read in OpenTelemetry mode "
        "and which knows no regional endpoint.",
        "Set APPLICATIONINSIGHTS_CONNECTION_STRING in its place.",
        "docs/how-to/azure-monitor.md",
    ),
)

_HOST = (
    Rule(
        "host-json-missing", "error", "There is no host.json, which func and Azure need.", 'Write {"version": "2.0"}.'
    ),
    Rule(
        "host-json-version",
        "error",
        "host.json has no version 2.0, so the host does not start.",
        'Write "version": "2.0" into host.json.',
    ),
    Rule(
        "telemetry-mode-unknown",
        "warning",
        "telemetryMode in host.json is none that the host knows.",
        'Write "OpenTelemetry", or leave it out.',
        f"{_REPORTS}#the-parties",
    ),
    Rule(
        "sampling-drops-requests",
        "warning",
        "samplingSettings of host.json let the host leave out requests, whose spans are then without a beginning.",
        'Write "excludedTypes": "Request" into samplingSettings.',
        "docs/how-to/sample.md",
    ),
    Rule(
        "requests-not-stored",
        "warning",
        "logLevel in host.json keeps Host.Results below Information out, and with it the requests that succeed.",
        'Write "Host.Results": "Information" into logging.logLevel.',
    ),
)

_REQUIREMENTS = (
    Rule(
        "requirements-missing",
        "warning",
        "There is no requirements.txt, and the app imports packages that Azure does not have.",
        "Write one with the packages that the app imports.",
    ),
    Rule(
        "package-not-required",
        "error",
        "The app imports a package that requirements.txt does not ask for.",
        "Add it to requirements.txt.",
    ),
    Rule(
        "requirements-conflict",
        "error",
        "Two lines of requirements.txt exclude each other, so pip refuses to install them.",
        "Take one of the two away, or widen its versions.",
    ),
    Rule(
        "azure-functions-not-for-python",
        "error",
        "requirements.txt asks for a version of azure-functions that is not made for the app's Python.",
        "azure-functions 1.x is for Python up to 3.12, 2.x for 3.13 and later: ask for azure-functions alone.",
    ),
    Rule(
        "azure-functions-behind",
        "warning",
        "On Python 3.13 and later azure-functions is 2.x, and requirements.txt does not allow it.",
        "Ask for azure-functions without an upper limit.",
    ),
    Rule(
        "worker-required",
        "warning",
        "requirements.txt asks for azure-functions-worker, which the platform brings in a version of its own.",
        "Take it out of requirements.txt.",
    ),
    Rule(
        "devkit-required",
        "warning",
        "requirements.txt asks for azfunc-ext-devkit, which is for development and makes the deployment larger.",
        "Move it to the requirements of development.",
    ),
    Rule(
        "requirements-unpinned",
        "info",
        "Packages without a version: two deployments of one commit can differ.",
        "Give versions (package==1.2), or a constraints file with -c.",
    ),
    Rule(
        "runtime-loses-trace",
        "warning",
        "The runtime that is asked for loses the host's trace context in sync functions.",
        "Take OpenTelemetryExtension, which attaches it itself, or write the functions with async def.",
        "docs/reference/opentelemetry.md",
    ),
    Rule(
        "runtime-fails",
        "error",
        "With PYTHON_ENABLE_OPENTELEMETRY alone each invocation fails on azure-functions-runtime 1.2.1.",
        "Take another version of azure-functions-runtime, or remove PYTHON_ENABLE_OPENTELEMETRY.",
        f"{_REPORTS}#the-parties",
    ),
)

_TWICE = (
    Rule(
        "logs-twice",
        "warning",
        "Log records are stored twice: by the host, and by a handler of the app's or the worker's.",
        "Let TelemetryExtension store them, or let one of the two go.",
        _LOGS,
    ),
    Rule(
        "logs-nowhere",
        "warning",
        "The host leaves log records to the worker, and nothing in the worker exports them.",
        "Remove PYTHON_ENABLE_OPENTELEMETRY, or add TelemetryExtension.",
        _LOGS,
    ),
    Rule(
        "logs-taken-from-worker",
        "warning",
        "The app removes the worker's log handler, so the host gets none of its log records.",
        "Leave the handlers of the root logger alone; set levels on loggers.",
        _LOGS,
    ),
    Rule(
        "requests-twice",
        "warning",
        "Each request is counted twice: by the host, and as a span of kind server.",
        'Leave invocation_span at "auto".',
        f"{_REPORTS}#how-auto-decides",
    ),
    Rule(
        "calls-twice",
        "warning",
        "Each call with requests is stored twice: OpenCensus and OpenTelemetry both trace it.",
        'Use OpenCensusExtension.configure(underneath="opentelemetry"), or trace with one of the two.',
        "docs/reference/opencensus.md#opentelemetry-underneath",
    ),
    Rule(
        "traces-with-holes",
        "warning",
        "The sampler that azure-monitor-opentelemetry has without a setting decides for each span by itself.",
        "Set OTEL_TRACES_SAMPLER to always_on.",
        _BESIDE,
    ),
    Rule(
        "sampling-ratio-without-effect",
        "warning",
        "sampling_ratio has no effect beside azure-monitor-opentelemetry, whose sampler decides.",
        "Set OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG, or take azure-monitor-opentelemetry out.",
        _BESIDE,
    ),
)

_EXTENSIONS = (
    Rule(
        "official-not-called",
        "error",
        "No worker for Python 3.13 and later calls an extension of the official kind.",
        "Import ext_sdk in the app, or any package of ours, which then calls it.",
        _WORKERS,
    ),
    Rule(
        "official-blind",
        "info",
        "An extension of the official kind, called by the worker, does not learn that the function raised.",
        "Import ext_sdk and derive it from ext_sdk.AppExtension or FuncExtension.",
        "docs/how-to/write-an-extension.md",
    ),
    Rule(
        "opencensus-retired",
        "info",
        "opencensus-extension-azure-functions is not maintained, and exports nothing of a function that raises.",
        "Move to ext_opencensus, one line, or to OpenTelemetry.",
        _MIGRATE,
    ),
    Rule(
        "base-class-active",
        "warning",
        "A base class of an official extension is itself an active extension, so its hooks run twice.",
        "Move what they share to a mixin that is no extension, or use ext_sdk and abstract=True.",
        _WORKERS,
    ),
    Rule(
        "extension-not-imported",
        "warning",
        "The app has an extension that no function imports, so it is not active.",
        "Import its module in function_app.py, or in a function's file.",
    ),
    Rule(
        "package-not-imported",
        "warning",
        "requirements.txt asks for an extension that the app imports nowhere, so it is not active.",
        "Import it in function_app.py or in a function's file, or take it out of requirements.txt.",
    ),
    Rule(
        "context-attribute-missing",
        "error",
        "A function uses what an extension puts on the context, and no extension of the app does.",
        "Import and configure the extension in a file that the app imports.",
    ),
    Rule(
        "hook-not-classmethod",
        "error",
        "A hook of an app-level extension is no classmethod, so its arguments are shifted by one.",
        "Put @classmethod above it.",
        _HOOKS,
    ),
    Rule(
        "hook-async",
        "error",
        "A hook is a coroutine function, and nothing awaits it.",
        "Write def for async def.",
        _HOOKS,
    ),
    Rule(
        "hook-wrong-level",
        "error",
        "A hook has the name of the other level's, so it is never called.",
        "Give it the name of its own level.",
        _HOOKS,
    ),
    Rule("hook-misspelt", "warning", "A method has almost the name of a hook.", "Give it the hook's name.", _HOOKS),
    Rule(
        "hook-arguments",
        "error",
        "A hook does not take the arguments that it is called with, by position.",
        "Give it the parameters of the hook.",
        _HOOKS,
    ),
    Rule(
        "hook-yields",
        "error",
        "A hook other than around_invocation has a yield, so none of its code runs.",
        "Take the yield out, or write around_invocation.",
        _HOOKS,
    ),
    Rule(
        "around-without-yield",
        "error",
        "around_invocation has no yield, at which the function would run.",
        "Write outcome = yield where the function is to run.",
        _HOOKS,
    ),
    Rule(
        "hook-needs-sdk",
        "error",
        "A hook of ext_sdk in a class of the official kind: no worker knows it.",
        "Derive the class from ext_sdk.AppExtension or ext_sdk.FuncExtension.",
        _HOOKS,
    ),
    Rule(
        "constructor-without-super",
        "error",
        "The constructor of a function-level extension does not call super().__init__, so its function is unknown.",
        "Call super().__init__(file_path) in it.",
    ),
    Rule(
        "function-level-in-v2",
        "error",
        "A function-level extension of the official kind never runs in the v2 model.",
        "Derive it from ext_sdk.FuncExtension, and decorate the function with an instance.",
        "docs/reference/sdk.md#what-authors-subclass",
    ),
    Rule(
        "file-names-no-function",
        "error",
        "A function-level extension is made with the path of a file that is in no function's folder.",
        "Make it in the function's own file; in the v2 model decorate the function with an instance.",
        "docs/reference/sdk.md#what-authors-subclass",
    ),
    Rule(
        "no-such-function",
        "error",
        "A function-level extension names a function that the app does not have.",
        "Mend the name.",
        "docs/reference/sdk.md#what-authors-subclass",
    ),
    Rule(
        "instance-not-used",
        "error",
        "A function-level extension belongs to no function: it decorates none and names none.",
        "Put it above a function, as @timer.",
        "docs/reference/sdk.md#what-authors-subclass",
    ),
    Rule(
        "unknown-setting",
        "error",
        "configure() is given a setting that the extension does not have.",
        "Mend the name.",
        _SETTINGS,
    ),
    Rule(
        "bad-value",
        "error",
        "configure() is given a value that the setting does not allow.",
        "Give one that it allows.",
        _SETTINGS,
    ),
    Rule(
        "unknown-app-setting",
        "warning",
        "An app setting with the prefix of an extension is no setting of it.",
        "Mend the name.",
        _SETTINGS,
    ),
    Rule(
        "bad-app-setting",
        "error",
        "An app setting has a value that the extension does not allow.",
        "Give one that it allows.",
        _SETTINGS,
    ),
)

_CODE = (
    Rule(
        "blocking-call",
        "warning",
        "A blocking call on the event loop stops every other async function of the process.",
        "Await an async library, or put the call into asyncio.to_thread(...).",
    ),
    Rule(
        "thread-local-storage",
        "warning",
        "context.thread_local_storage has no effect on Python 3.13 and later.",
        "Use ext_sdk.propagate.",
        "docs/how-to/work-in-threads.md",
    ),
    Rule(
        "system-logger",
        "warning",
        "A logger has a name that the worker takes for its own, so its records never reach your Application Insights.",
        "Use logging.getLogger(__name__).",
        _LOGS,
    ),
)

_RUNNING = (
    Rule("import-fails", "error", "With --run: the app cannot be loaded.", "Mend what the message names."),
    Rule(
        "import-hangs",
        "error",
        "With --run: the app was not loaded within the time that --timeout gives.",
        "Do less while modules are imported: no calls into the network, nothing that waits.",
    ),
    Rule(
        "not-active",
        "error",
        "With --run: an extension that the source has is not active when the app is loaded.",
        "Look at the warnings of the loggers ext_sdk and extension.* at the start.",
    ),
    Rule(
        "said-at-load",
        "warning",
        "With --run: the framework or an extension warned while the app was loaded.",
        "The message says what to do.",
    ),
)

GROUPS: dict[str, tuple[Rule, ...]] = {
    "The app": _APP,
    "App settings": _SETTINGS_RULES,
    "host.json": _HOST,
    "requirements.txt": _REQUIREMENTS,
    "Telemetry twice, or nowhere": _TWICE,
    "Extensions": _EXTENSIONS,
    "The functions' code": _CODE,
    "What only --run sees": _RUNNING,
}

RULES = {rule.id: rule for rules in GROUPS.values() for rule in rules}
