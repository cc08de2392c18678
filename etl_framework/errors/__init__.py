"""Every error that this package raises on purpose; `base` says what to do about each."""

from etl_framework.errors.base import BrokenStateError as BrokenStateError
from etl_framework.errors.base import BundleError as BundleError
from etl_framework.errors.base import CheckFailedError as CheckFailedError
from etl_framework.errors.base import ConfigError as ConfigError
from etl_framework.errors.base import ConflictError as ConflictError
from etl_framework.errors.base import DataMissingError as DataMissingError
from etl_framework.errors.base import Diagnostic as Diagnostic
from etl_framework.errors.base import EtlError as EtlError
from etl_framework.errors.base import MissingExtraError as MissingExtraError
from etl_framework.errors.base import PlanError as PlanError
from etl_framework.errors.base import RetryableError as RetryableError
from etl_framework.errors.base import Severity as Severity
from etl_framework.errors.base import StepError as StepError
from etl_framework.errors.base import did_you_mean as did_you_mean
