"""The processes by id."""

from collections.abc import Mapping

from shanhai.processes.assess_ecoservices.contract import (
    ASSESS_ECOSERVICES,
)
from shanhai.processes.build_network.contract import BUILD_NETWORK
from shanhai.processes.check_compliance.contract import CHECK_COMPLIANCE
from shanhai.processes.delineate_zones.contract import DELINEATE_ZONES
from shanhai.processes.echo.contract import ECHO
from shanhai.processes.evaluate_ecosystem.contract import ACCOUNT_GEP, EVALUATE_ECOSYSTEM
from shanhai.processes.evaluate_indicators.contract import EVALUATE_INDICATORS
from shanhai.processes.import_dataset.contract import IMPORT_DATASET
from shanhai.processes.import_features.contract import IMPORT_FEATURES
from shanhai.processes.import_plan.contract import IMPORT_PLAN
from shanhai.processes.kit.contract import ProcessContract
from shanhai.processes.publish_bulletin.contract import PUBLISH_BULLETIN
from shanhai.processes.run_scenario.contract import RUN_SCENARIO
from shanhai.processes.seed_tiles.contract import SEED_TILES
from shanhai.processes.select_sites.contract import SELECT_SITES

CONTRACTS: Mapping[str, ProcessContract] = {
    contract.id: contract
    for contract in (
        *(ECHO, IMPORT_DATASET, IMPORT_FEATURES, IMPORT_PLAN, CHECK_COMPLIANCE),
        *(ASSESS_ECOSERVICES, DELINEATE_ZONES),
        *(EVALUATE_ECOSYSTEM, ACCOUNT_GEP, EVALUATE_INDICATORS),
        *(BUILD_NETWORK, RUN_SCENARIO, SELECT_SITES),
        *(PUBLISH_BULLETIN, SEED_TILES),
    )
}
