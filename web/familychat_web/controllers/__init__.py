"""What the page can be asked, by area. Every controller is named here."""

from __future__ import annotations

from litestar.types import ControllerRouterHandler

from familychat_web.controllers.account import AccountController
from familychat_web.controllers.admin_ages import AgesController
from familychat_web.controllers.admin_backups import BackupsController
from familychat_web.controllers.admin_limits import LimitsController
from familychat_web.controllers.admin_looking import LookingController
from familychat_web.controllers.admin_models import ModelsController
from familychat_web.controllers.admin_people import PeopleController
from familychat_web.controllers.admin_rules import RulesController
from familychat_web.controllers.admin_settings import SettingsController
from familychat_web.controllers.admin_tasks import TasksController
from familychat_web.controllers.admin_upkeep import UpkeepController
from familychat_web.controllers.api import MeController
from familychat_web.controllers.api_conversations import ApiController
from familychat_web.controllers.conversations import ConversationsController
from familychat_web.controllers.files import FilesController
from familychat_web.controllers.health import HealthController
from familychat_web.controllers.installing import InstallingController
from familychat_web.controllers.lists import ListsController
from familychat_web.controllers.messages import AskingController, TurnsController
from familychat_web.controllers.metrics import MetricsController
from familychat_web.controllers.music import MusicController
from familychat_web.controllers.organising import OrganisingController
from familychat_web.controllers.personal import PersonalController
from familychat_web.controllers.reports import ReportsController
from familychat_web.controllers.setting_up import SetupController
from familychat_web.controllers.several import SeveralController
from familychat_web.controllers.shell import ShellController
from familychat_web.controllers.signing_in import SignInController
from familychat_web.controllers.trash import TrashController

CONTROLLERS: tuple[ControllerRouterHandler, ...] = (
    AccountController,
    AgesController,
    ApiController,
    BackupsController,
    LimitsController,
    LookingController,
    MetricsController,
    ModelsController,
    MusicController,
    PeopleController,
    RulesController,
    TasksController,
    SettingsController,
    UpkeepController,
    AskingController,
    ConversationsController,
    TurnsController,
    FilesController,
    HealthController,
    InstallingController,
    MeController,
    ListsController,
    OrganisingController,
    PersonalController,
    ReportsController,
    TrashController,
    SetupController,
    SeveralController,
    ShellController,
    SignInController,
)
