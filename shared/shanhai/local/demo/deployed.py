"""The demonstration on an installation that others started.

The compose file starts it with the profile `demo`. Data are taken from the cache's folder, or made
of packages where the registries can be reached. What is made stays; another run adds nothing.
"""

import os
import sys
from dataclasses import dataclass

from shanhai.client import ApiClient
from shanhai.data.cli import default_output
from shanhai.data.download import default_cache
from shanhai.errors import ShanhaiError
from shanhai.local.demo.inputs import gather, seed_regions
from shanhai.local.demo.run import REGION, DemoSteps
from shanhai.local.places import Home, SecretBook
from shanhai.local.stack import admin_key, sign_in_link
from shanhai.settings import DatabaseSettings
from shanhai.settings.services import PublicSettings

TO_BRING = """\
without the packages of the registries, bring the data: on a machine that reaches them run
  shanhai data demo --out demo-data
and mount that folder: docker compose run --rm -v $PWD/demo-data:{{folder}}:ro demo
没有软件包源时请自带数据：在可联网的机器上运行上面第一条命令，再按第二条挂载该目录。"""


@dataclass(slots=True)
class DeployedDemo(DemoSteps):
    """One run on an installation that others started.

    Attributes:
        secrets: Where the key is kept that the demonstration makes for itself.
        api_url: Where people reach the API; `tiles_url` likewise.
        database_url: Where the truth is, as the API's account.
        asked_at: Where this program reaches the API and the tile service.
    """

    secrets: SecretBook
    api_url: str
    tiles_url: str
    database_url: str
    asked_at: tuple[str, str]

    def run(self) -> None:
        """Put Xiamen in, compute its zones, network and sites, and say what to open."""
        given = self._step("data", lambda: gather(REGION, self.console))
        self._step("seed", lambda: seed_regions(self.database_url, given.folders))
        api_url, tiles_url = self.asked_at
        key = admin_key(self)
        with ApiClient(api_url, key) as api, ApiClient(tiles_url, key) as tiles:
            self._step("import", lambda: self._import(api, given))
            job, zones = self._step("zones", lambda: self._delineate(api, given))
            network = self._step("network", lambda: self._build_network(api, given, job))
            sites = self._step("sites", lambda: self._select_sites(api))
            layer = zones["layers"]["zones"]
            tiles.get(f"/layers/{layer}/tilejson.json")
        self._report(zones, network.results, sites.results)
        self._tell(layer)

    def _tell(self, layer: str) -> None:
        addresses = {
            "sign in once by": sign_in_link(self),
            "console": f"{self.api_url}/console",
            "zones on a map": f"{self.tiles_url}/layers/{layer}/map",
        }
        for title, address in addresses.items():
            self.console.print(f"{title:<15} {address}", soft_wrap=True, highlight=False)


def main() -> int:
    """Run it by the settings of a service; 0 when all was made."""
    home = Home.of_checkout()
    public, database = PublicSettings(), DatabaseSettings()
    asked_at = (os.environ["SHANHAI_DEMO_API"], public.tiles_internal_url)
    try:
        DeployedDemo(
            SecretBook(home.secrets),
            public.api_url,
            public.tiles_url,
            database.url.get_secret_value(),
            asked_at,
        ).run()
    except ShanhaiError as error:
        print(f"error: {error.message}", file=sys.stderr)
        print(TO_BRING.format(folder=default_output(default_cache())), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
