"""`create`, `account`, `card`, `customer` and `relationship`: every change the contract knows."""

from typing import Final

import typer

from opencif.commands.verbs import (
    ACCOUNTS,
    CARDS,
    CUSTOMERS,
    RELATIONSHIPS,
    Service,
    command,
    mutation,
)

_CREATE: Final[dict[str, tuple[Service, str, str]]] = {
    "customer": (
        CUSTOMERS,
        "CreateCustomer",
        "--kind PERSON --person given_name=Ada,family_name=Lovelace,birth_date=1990-12-10",
    ),
    "account": (
        ACCOUNTS,
        "CreateAccount",
        (
            "--routing-number 021000021 --account-number - --account-type CHECKING --currency USD"
            " --holder-class CONSUMER --parties customer=$CUSTOMER,role=PRIMARY_OWNER"
        ),
    ),
    "card": (
        CARDS,
        "IssueCard",
        (
            "--pan - --card-type DEBIT --expiry 2030-12 --cardholder $CUSTOMER"
            " --accounts account=$ACCOUNT,role=PRIMARY"
        ),
    ),
    "relationship": (
        RELATIONSHIPS,
        "CreateRelationship",
        "--from-customer $PARENT --to-customer $CHILD --type PARENT_OF",
    ),
}
_ACCOUNT: Final = {
    "update": ("UpdateAccount", "$ACCOUNT --branch MAIN"),
    "delete": ("DeleteAccount", "$ACCOUNT"),
    "open": ("OpenAccount", "$ACCOUNT"),
    "close": ("CloseAccount", "$ACCOUNT --close-reason CUSTOMER_REQUEST"),
    "reopen": ("ReopenAccount", "$ACCOUNT --approval-ref APPROVAL-1"),
    "dormant": ("MarkAccountDormant", "$ACCOUNT"),
    "reactivate": ("ReactivateAccount", "$ACCOUNT"),
    "escheat": ("EscheatAccount", "$ACCOUNT"),
    "charge-off": ("ChargeOffAccount", "$ACCOUNT"),
    "renumber": ("RenumberAccount", "$ACCOUNT --new-account-number - --terms reason=RENUMBER"),
    "restrict": ("PlaceRestriction", "$ACCOUNT --type LEGAL_FREEZE --authority-ref ORDER-1"),
    "release": ("ReleaseRestriction", "$ACCOUNT --restriction-id $RESTRICTION"),
    "add-party": ("AddParty", "$ACCOUNT --customer $CUSTOMER --role JOINT_OWNER"),
    "end-party": ("EndParty", "$ACCOUNT --party-id $PARTY"),
}
_CARD: Final = {
    "activate": ("ActivateCard", "$CARD"),
    "block": ("BlockCard", "$CARD --state-reason SUSPICIOUS_ACTIVITY"),
    "unblock": ("UnblockCard", "$CARD"),
    "report-lost": ("ReportLost", "$CARD"),
    "report-stolen": ("ReportStolen", "$CARD"),
    "report-compromised": ("ReportCompromised", "$CARD"),
    "report-damaged": ("ReportDamaged", "$CARD"),
    "expire": ("ExpireCard", "$CARD"),
    "replace": ("ReplaceCard", "$CARD --new-pan - --new-expiry 2030-12"),
    "close": ("CloseCard", "$CARD --state-reason END_USER_REQUEST"),
    "provision-token": ("ProvisionCardToken", "$CARD --dpan - --tsp VTS --expiry 2030-12"),
    "activate-token": ("ActivateCardToken", "$CARD --token-id $TOKEN"),
    "suspend-token": ("SuspendCardToken", "$CARD --token-id $TOKEN --suspended-by CARDHOLDER"),
    "resume-token": ("ResumeCardToken", "$CARD --token-id $TOKEN"),
    "deactivate-token": ("DeactivateCardToken", "$CARD --token-id $TOKEN"),
}
_CUSTOMER: Final = {
    "update": ("UpdateCustomer", "$CUSTOMER --segment AFFLUENT"),
    "delete": ("DeleteCustomer", "$CUSTOMER"),
    "onboard": ("OnboardCustomer", "$CUSTOMER"),
    "activate": ("ActivateCustomer", "$CUSTOMER"),
    "dormant": ("MarkCustomerDormant", "$CUSTOMER"),
    "restrict": ("RestrictCustomer", "$CUSTOMER"),
    "reinstate": ("ReinstateCustomer", "$CUSTOMER"),
    "close": ("CloseCustomer", "$CUSTOMER"),
    "deceased": ("MarkDeceased", "$CUSTOMER --deceased-date 2026-01-31"),
    "dissolved": ("MarkDissolved", "$CUSTOMER --dissolved-date 2026-01-31"),
    "add-identifier": ("AddIdentifier", "$CUSTOMER --type SSN --value -"),
    "update-identifier": ("UpdateIdentifier", "$CUSTOMER --identifier-id $ID --state REVOKED"),
    "add-contact": ("AddContactPoint", "$CUSTOMER --type EMAIL --value ada@example.com"),
    "end-contact": ("EndContactPoint", "$CUSTOMER --contact-point-id $ID"),
    "add-address": ("AddAddress", "$CUSTOMER --type LEGAL --town-name Utica --country US"),
    "end-address": ("EndAddress", "$CUSTOMER --address-id $ID"),
}
_RELATIONSHIP: Final = {
    "update": ("UpdateRelationship", "$RELATIONSHIP --valid-to 2030-12-31"),
    "confirm": ("ConfirmRelationship", "$RELATIONSHIP"),
    "end": ("EndRelationship", "$RELATIONSHIP"),
}
_NOUNS: Final = {
    "account": (ACCOUNTS, _ACCOUNT),
    "card": (CARDS, _CARD),
    "customer": (CUSTOMERS, _CUSTOMER),
    "relationship": (RELATIONSHIPS, _RELATIONSHIP),
}


def add_to(app: typer.Typer) -> None:
    """Adds the commands."""
    create = typer.Typer(
        no_args_is_help=True, help="Create a record, from options, from JSON, or both."
    )
    app.add_typer(create, name="create")
    for noun, (service, method, options) in _CREATE.items():
        example = f"opencif create {noun} {options}"
        command(create, noun, service, method, example=example, act=mutation(service, method))
    for noun, (service, verbs) in _NOUNS.items():
        group = typer.Typer(no_args_is_help=True, help=f"Change one {noun}.")
        app.add_typer(group, name=noun)
        for verb, (method, options) in verbs.items():
            example = f"opencif {noun} {verb} {options}"
            command(group, verb, service, method, example=example, act=mutation(service, method))
