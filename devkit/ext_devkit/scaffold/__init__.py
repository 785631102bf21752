"""What `azfunc-ext new` writes: a complete package with an extension, from the templates of this folder."""

from ext_devkit.scaffold.names import Names
from ext_devkit.scaffold.render import LEVELS, LICENSES, Package, files
from ext_devkit.scaffold.write import write

__all__ = ["LEVELS", "LICENSES", "Names", "Package", "files", "write"]
