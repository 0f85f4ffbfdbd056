"""Each entry of a scenario's `errors:` stands in the trace of its run: as subject and reason in a JSON
answer, or as the number of the enumeration in a card's DER answer. Read with PyYAML, json and plain
TLV; the numbers are those of SGP.22 v2.6 annex H."""

import json
import re

import yaml

import tlv

RESULTS = {
    "SetDefaultDpAddress": {"undefinedError": 127},
    "RemoveNotificationFromList": {"nothingToDelete": 1, "undefinedError": 127},
    "EnableProfile": {"iccidOrAidNotFound": 1, "profileNotInDisabledState": 2, "disallowedByPolicy": 3,
                      "wrongProfileReenabling": 4, "catBusy": 5, "undefinedError": 127},
    "DisableProfile": {"iccidOrAidNotFound": 1, "profileNotInEnabledState": 2, "disallowedByPolicy": 3,
                       "catBusy": 5, "undefinedError": 127},
    "DeleteProfile": {"iccidOrAidNotFound": 1, "profileNotInDisabledState": 2, "disallowedByPolicy": 3,
                      "undefinedError": 127},
    "eUICCMemoryReset": {"nothingToDelete": 1, "catBusy": 5, "ecallActive": 104, "undefinedError": 127},
    "SetNickname": {"iccidNotFound": 1, "undefinedError": 127},
    "PrepareDownload": {"invalidCertificate": 1, "invalidSignature": 2, "unsupportedCurve": 3,
                        "noSessionContext": 4, "invalidTransactionId": 5, "undefinedError": 127},
    "AuthenticateServer": {"invalidCertificate": 1, "invalidSignature": 2, "unsupportedCurve": 3,
                           "noSessionContext": 4, "invalidOid": 5, "euiccChallengeMismatch": 6,
                           "ciPKUnknown": 7, "undefinedError": 127},
    "CancelSession": {"invalidTransactionId": 5, "undefinedError": 127},
    "GetProfilesInfo": {"incorrectInputValues": 1, "undefinedError": 127},
    "LpaeActivation": {"notSupported": 1},
    "LoadCRL": {"invalidSignature": 1, "invalidCRLFormat": 2, "notEnoughMemorySpace": 3,
                "verificationKeyNotFound": 4, "fresherCrlAlreadyLoaded": 5, "baseCrlMissing": 6,
                "undefinedError": 127},
    "GetEimPackage": {"noEimPackageAvailable": 1, "eidNotFound": 2, "invalidEid": 3, "missingEid": 4, "undefinedError": 127},
    "ProvideEimPackageResult": {"eidNotFound": 2, "invalidEid": 3, "missingEid": 4, "undefinedError": 127},
    "LoadBoundProfilePackage": {
        "incorrectInputValues": 1, "invalidSignature": 2, "invalidTransactionId": 3,
        "unsupportedCrtValues": 4, "unsupportedRemoteOperationType": 5, "unsupportedProfileClass": 6,
        "scp03tStructureError": 7, "scp03tSecurityError": 8,
        "installFailedDueToIccidAlreadyExistsOnEuicc": 9,
        "installFailedDueToInsufficientMemoryForProfile": 10, "installFailedDueToInterruption": 11,
        "installFailedDueToPEProcessingError": 12, "installFailedDueToDataMismatch": 13,
        "testProfileInstallFailedDueToInvalidNaaKey": 14, "pprNotAllowed": 15,
        "installFailedDueToUnknownError": 127},
    # SGP.32 v1.2
    "LoadEuiccPackage": {"resultSizeOverflow": 1, "unknownOrDamagedCommand": 2, "invalidEid": 3, "replayError": 4,
                         "counterValueOutOfRange": 6, "sizeOverflow": 15, "ecallActive": 104, "undefinedError": 127},
    "AddInitialEim": {"insufficientMemory": 1, "associatedEimAlreadyExists": 2, "ciPKUnknown": 3,
                      "invalidAssociationToken": 5, "counterValueOutOfRange": 6, "commandError": 7,
                      "undefinedError": 127},
    "GetCerts": {"invalidCiPKId": 1},
    "ImmediateEnable": {"immediateEnableNotAvailable": 1, "noSessionContext": 4, "catBusy": 5, "undefinedError": 127},
    "ProfileRollback": {"rollbackNotAllowed": 1, "catBusy": 5, "undefinedError": 127},
    "ConfigureImmediateProfileEnabling": {"associatedEimAlreadyExists": 2, "undefinedError": 127},
    "ExecuteFallbackMechanism": {"profileNotInDisabledState": 2, "catBusy": 5, "fallbackNotAvailable": 6,
                                 "commandError": 7, "ecallActive": 104, "undefinedError": 127},
    "ReturnFromFallback": {"catBusy": 5, "fallbackNotAvailable": 6, "commandError": 7, "undefinedError": 127},
    "EnableEmergencyProfile": {"profileNotInDisabledState": 2, "catBusy": 5, "ecallNotAvailable": 8,
                               "undefinedError": 127},
    "DisableEmergencyProfile": {"profileNotInEnabledState": 2, "catBusy": 5, "undefinedError": 127},
    "GetConnectivityParameters": {"parametersNotAvailable": 1},
    "Enable": {"iccidOrAidNotFound": 1, "profileNotInDisabledState": 2, "disallowedByPolicy": 3, "catBusy": 5,
               "rollbackNotAvailable": 20, "undefinedError": 127},
    "Disable": {"iccidOrAidNotFound": 1, "profileNotInEnabledState": 2, "disallowedByPolicy": 3, "catBusy": 5,
                "undefinedError": 127},
    "Delete": {"iccidOrAidNotFound": 1, "profileNotInDisabledState": 2, "disallowedByPolicy": 3,
               "rollbackNotAvailable": 20, "returnFallbackProfile": 21},
    "ListProfileInfo": {"incorrectInputValues": 1, "profileChangeOngoing": 11},
    "ConfigureImmediateEnable": {"commandError": 7},
    "SetFallbackAttribute": {"iccidOrAidNotFound": 1, "fallbackNotAllowed": 2, "fallbackProfileEnabled": 3},
    "UnsetFallbackAttribute": {"noFallbackAttribute": 2, "fallbackProfileEnabled": 3, "commandError": 7},
    "AddEim": {"insufficientMemory": 1, "associatedEimAlreadyExists": 2, "ciPKUnknown": 3,
               "invalidAssociationToken": 5, "counterValueOutOfRange": 6, "commandError": 7},
    "DeleteEim": {"eimNotFound": 1, "lastEimDeleted": 2, "commandError": 7},
    "UpdateEim": {"eimNotFound": 1, "ciPKUnknown": 3, "counterValueOutOfRange": 6, "commandError": 7},
}


def inside(data, *path):
    """Contents of all TLVs that PATH of tags leads to."""
    found = [data]
    for tag in path:
        found = [value for level in found for t, value, _ in tlv.walk(level) if t == tag]
    return found


# ES9+ in the ASN.1 binding has numbers for the same conditions, with names of their own.
ASN1_NAMES = {
    "InitiateAuthentication": {1: "invalidDpAddress", 2: "euiccVersionNotSupportedByDp", 3: "ciPKNotSupported"},
    "AuthenticateClient": {1: "eumCertificateInvalid", 2: "eumCertificateExpired", 3: "euiccCertificateInvalid",
                           4: "euiccCertificateExpired", 5: "euiccSignatureInvalid", 6: "matchingIdRefused",
                           7: "eidMismatch", 8: "noEligibleProfile", 9: "ciPKUnknown", 10: "invalidTransactionId",
                           11: "insufficientMemory", 18: "downloadOrderExpired", 127: "undefinedError"},
    "GetBoundProfilePackage": {1: "euiccSignatureInvalid", 2: "confirmationCodeMissing", 3: "confirmationCodeRefused",
                               4: "confirmationCodeRetriesExceeded", 5: "bppRebindingRefused",
                               95: "invalidTransactionId", 127: "undefinedError"},
    "CancelSession": {1: "invalidTransactionId", 2: "euiccSignatureInvalid", 127: "undefinedError"},
}
ASN1_BINDING = {
    "InitiateAuthentication": {1: "8.8.1/3.8", 2: "8.8.3/3.1", 3: "8.8.2/3.1"},
    "AuthenticateClient": {1: "8.1.2/6.1", 2: "8.1.2/6.3", 3: "8.1.3/6.1", 4: "8.1.3/6.3", 5: "8.1/6.1",
                           6: "8.2.6/3.8", 7: "8.1.1/3.8", 8: "8.2.5/4.3", 9: "8.11.1/3.9",
                           10: "8.10.1/3.9", 11: "8.1/4.8", 18: "8.8.5/4.10"},
    "GetBoundProfilePackage": {1: "8.1/6.1", 2: "8.2.7/2.2", 3: "8.2.7/3.8", 4: "8.2.7/6.4", 5: "8.2/3.7",
                               95: "8.10.1/3.9"},
    "CancelSession": {1: "8.10.1/3.9", 2: "8.1/6.1"},
}

ESIPA = {  # SGP.32 v1.2; of ProvideEimPackageResult also what the request tells
    "InitiateAuthentication": {"invalidDpAddress": 1, "euiccVersionNotSupportedByDp": 2, "ciPKIdNotSupported": 3,
                               "smdpAddressMismatch": 50, "smdpOidMismatch": 51, "invalidEimTransactionId": 52,
                               "undefinedError": 127},
    "AuthenticateClient": {"eumCertificateInvalid": 1, "eumCertificateExpired": 2, "euiccCertificateInvalid": 3,
                           "euiccCertificateExpired": 4, "euiccSignatureInvalid": 5, "matchingIdRefused": 6,
                           "eidMismatch": 7, "noEligibleProfile": 8, "ciPKUnknown": 9, "invalidTransactionId": 10,
                           "insufficientMemory": 11, "pprNotAllowed": 50, "eventIdUnknown": 56, "undefinedError": 127},
    "GetBoundProfilePackage": {"euiccSignatureInvalid": 1, "confirmationCodeMissing": 2, "confirmationCodeRefused": 3,
                               "confirmationCodeRetriesExceeded": 4, "bppRebindingRefused": 5,
                               "downloadOrderExpired": 6, "metadataMismatch": 50, "invalidTransactionId": 95,
                               "undefinedError": 127},
    "CancelSession": {"invalidTransactionId": 1, "euiccSignatureInvalid": 2, "undefinedError": 127},
    "TransferEimPackage": {"invalidPackageFormat": 1, "unknownPackage": 2, "undefinedError": 127},
}
TOLD_BY_IPA = [  # where ProvideEimPackageResult has a code, and its names
    ((0xBF50, 0xA0, 0x02), {"invalidPackageFormat": 1, "unknownPackage": 2, "undefinedError": 127}),
    ((0xBF50, 0xBF52, 0xA1, 0x02), {"incorrectTagList": 1, "euiccCiPKIdNotFound": 5, "ecallActive": 104,
                                    "undefinedError": 127}),
    ((0xBF50, 0xBF54, 0x30, 0x80), {"ecallActive": 104, "undefinedError": 127}),
]

CODES = {  # where an answer has its code, behind its own tag
    "PrepareDownload": [(0xA1, 0x02)],
    "AuthenticateServer": [(0xA1, 0x02)],
    "CancelSession": [(0x81,)],
    "GetProfilesInfo": [(0x81,)],
    "LoadCRL": [(0x81,)],
    "GetEimPackage": [(0x02,)],
    "ProvideEimPackageResult": [(0x02,)],
    "LoadEuiccPackage": [(0xA1, 0x30, 0x02), (0xA0, 0x30, 0x30, 0x02)],
    "AddInitialEim": [(0x81,)],
    "GetCerts": [(0x81,)],
    "GetConnectivityParameters": [(0x81,)],
    "ProfileRollback": [(0x02,)],
    "ListProfileInfo": [(0x81,)],
    "AddEim": [(0x02,)],
    **{operation: [()] for operation in ("Enable", "Disable", "Delete", "ConfigureImmediateEnable", "DeleteEim",
                                         "UpdateEim", "SetFallbackAttribute", "UnsetFallbackAttribute")},
}


def reasons_of_results(body):
    """errorReason of each ProfileInstallationResult in BODY, an answer to a load or a list of notifications."""
    results = inside(body, 0xBF37) + inside(body, 0xBF2B, 0xA0, 0xBF37)
    return {value for r in results for value in inside(r, 0xBF27, 0xA2, 0xA1, 0x81)}


def codes_of(event):
    """Codes that an answer of the trace gives, as `errors:` writes them."""
    if not event["body"]:
        return set()
    if event["encoding"] == "json":
        body = json.loads(event["body"])
        data = body.get("header", {}).get("functionExecutionStatus", {}).get("statusCodeData")
        if "eimPackageError" in body:
            return {n for n, number in RESULTS["GetEimPackage"].items() if number == body["eimPackageError"]}
        return {f"{data['subjectCode']}/{data['reasonCode']}"} if data else set()
    if event["encoding"] != "der":
        return set()
    body = bytes.fromhex(event["body"])
    if event["interface"] == "ES9+":
        choice = tlv.read(tlv.read(body)[1])[1]  # of RemoteProfileProvisioningResponse
        number = choice[2] if len(choice) == 3 else None
        return {names[event["function"]][number] for names in (ASN1_BINDING, ASN1_NAMES)
                if number in names[event["function"]]}
    if event["interface"] == "ESipa" and event["function"] in ESIPA:
        tag, value, _ = next(iter(tlv.walk(tlv.read(body)[1])))
        return {name for name, number in ESIPA[event["function"]].items()
                if tag in (0x02, 0x81, 0x82) and value == bytes([number])}
    if event["interface"] == "ESep" and body[0] == 0x02:  # processingTerminated: the package's code
        return set()
    if event["function"] in ("RetrieveNotificationsList", "LoadBoundProfilePackage"):
        numbers = reasons_of_results(body)
    else:
        content = tlv.read(body)[1]
        numbers = {v for path in CODES.get(event["function"], [(0x80,)]) for v in inside(content, *path)}
    names = RESULTS.get("LoadBoundProfilePackage" if event["function"] == "RetrieveNotificationsList"
                        else event["function"], {})
    return {name for name, number in names.items() if bytes([number]) in numbers}


def produced(trace):
    found = set()
    for line in trace.read_text().splitlines():
        event = json.loads(line)
        if event["kind"] == "message" and event["function"] == "ProvideEimPackageResult" and \
                event["leg"] == "request" and event.get("encoding") == "der" and event.get("body"):
            body = bytes.fromhex(event["body"])
            found |= {f"ESipa.ProvideEimPackageResult {name}" for path, names in TOLD_BY_IPA
                      for name, number in names.items() if bytes([number]) in inside(body, *path)}
        # An answer as it was given, whatever became of it on its way.
        if event["kind"] != "message" or event["leg"] != "response" or "body" not in event:
            continue
        function = event["function"]
        if function == "RetrieveNotificationsList":
            function = "LoadBoundProfilePackage"
        found |= {f"{event['interface']}.{function} {code}" for code in codes_of(event)}
    return found


def test_every_error_is_in_its_trace(root, traces):
    missing = []
    for path in sorted((root / "scenarios").rglob("*.yaml")):
        scenario = yaml.safe_load(path.read_text())
        if "errors" not in scenario:
            continue
        found = produced(traces / f"{scenario['scenario']}.jsonl")
        missing += [f"{path.name}: {e}" for e in scenario["errors"] if e not in found]
    assert missing == []


def test_every_code_has_a_scenario_or_a_reason(rspsim, root):
    for line in rspsim("list", "errors", cwd=root).stdout.splitlines():
        interface, function, code, _, scenario, *why = line.split("\t")
        assert scenario != "-" or why[0] != "no scenario here produces it", f"{interface}.{function} {code}"


# Of SGP.32's enumerations these are no errors.
NO_ERRORS = {"EimIdType", "IpaMode", "StateChangeCause", "euiccCategory"}


def test_every_enumeration_of_sgp32_is_listed(rspsim, root, shared):
    """Against the ASN.1 module as published: no value of its error enumerations is missing."""
    module = (shared / "spec" / "asn1" / "sgp32_definitions_v1_2.asn").read_text()
    module = re.sub(r"--[^\n]*", "", module)
    listed = {line.split("\t")[2] for line in rspsim("list", "errors", cwd=root).stdout.splitlines()}
    enumerations = re.findall(r"(\w[\w-]*)\s*(?:::=)?\s*(?:\[\d+\])?\s*INTEGER\s*\{([^}]*)\}", module)
    assert len(enumerations) > 40
    for name, values in enumerations:
        for value in re.findall(r"([a-zA-Z]\w*)\s*\(", values):
            # "undfinedError" of GetCertsResponse is a slip of the module
            if name not in NO_ERRORS and value not in ("ok", "undfinedError"):
                assert value in listed, f"{name} {value}"
