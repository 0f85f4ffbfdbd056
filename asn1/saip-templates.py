#!/usr/bin/env python3
"""Turns saip-templates.tsv into saip-templates.c: the tables behind asn1/saip.h."""

import re
import sys

KINDS = {'TR': 0x41, 'LF': 0x42, 'CY': 0x46, 'BT': 0x79, 'DF': 0x78, 'ADF': 0x78}


def fail(number, text):
    sys.exit(f'saip-templates.tsv:{number}: {text}')


def read(path):
    elements, templates = [], []
    for number, line in enumerate(open(path, encoding='ascii'), 1):
        line = line.rstrip('\n')
        if not line or line.startswith('#'):
            continue
        word, *rest = line.split('\t')
        if word == 'element':
            elements.append({'tag': int(rest[0], 16), 'name': rest[1], 'type': rest[2],
                             'created': rest[3:] == ['created'], 'members': []})
        elif word == 'members':
            elements[-1]['members'] = rest[0].split()
        elif word == 'template':
            owner = next((e for e in elements if e['name'] == rest[1]), None)
            if owner is None:
                fail(number, f'no element {rest[1]}')
            templates.append({'oid': rest[0], 'element': owner, 'files': []})
        elif word == '':
            templates[-1]['files'].append(read_file(number, templates[-1]['element'], rest))
        else:
            fail(number, f'unknown line {word}')
    return elements, templates


def read_file(number, element, columns):
    columns += ['-'] * (9 - len(columns))
    member, fid, kind, size, arr, sfi, content, default, parent = columns
    if member not in element['members'] or kind not in KINDS:
        fail(number, f'unknown member {member} or type {kind}')
    first, _, last = ('0' if fid == '-' else fid).partition('-')
    octets, records, record = 0, 0, 0
    if 'x' in size:
        records, record = (0 if n == '?' else int(n) for n in size.split('x'))
        octets = records * record
    elif size not in '-?':
        octets = int(size)
    head, tail, repeat = read_default(number, default)
    return {'member': member, 'tag_no': element['members'].index(member), 'kind': KINDS[kind],
            'adf': kind == 'ADF', 'required': content == 'required', 'fid': int(first, 16),
            'last': int(last or first, 16), 'records': records, 'record': record, 'size': octets,
            'arr': 0 if arr == '-' else int(arr), 'sfi': -1 if sfi == '-' else int(sfi, 16),
            'head': head, 'tail': tail, 'repeat': repeat,
            'parent': None if parent == '-' else parent}


def read_default(number, text):
    found = re.fullmatch(r'((?:[0-9A-F]{2})*)(?:\.\.\.((?:[0-9A-F]{2})+)|(\*))?',
                         '' if text == '-' else text)
    if not found:
        fail(number, f'bad default {text}')
    head, tail, star = bytes.fromhex(found[1]), bytes.fromhex(found[2] or ''), bool(found[3])
    return head, tail, star


def oid_octets(dotted):
    first, second, *rest = (int(n) for n in dotted.split('.'))
    out = bytearray()
    for number in [first * 40 + second] + rest:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(number & 0x7F | 0x80)
        out += bytes(reversed(digits))
    return bytes(out)


def c_slice(data):
    if not data:
        return '{NULL, 0}'
    text = ''.join(f'\\x{b:02x}' for b in data)
    return f'{{(const guint8 *)"{text}", {len(data)}}}'


def c_text(text):
    return 'NULL' if text is None else f'"{text}"'


def write(out, elements, templates):
    out.write('/* Made from saip-templates.tsv. */\n#include "asn1/saip-tables.h"\n\n')
    for i, e in enumerate(elements):
        if e['members']:
            names = ', '.join(c_text(m) for m in e['members'])
            out.write(f'static const char *const members_{i}[] = {{{names}, NULL}};\n')
    for i, t in enumerate(templates):
        out.write(f'\nstatic const RspSaipFile files_{i}[] = {{\n')
        for f in sorted(t['files'], key=lambda f: (f['tag_no'], f['fid'])):
            out.write(f"    {{.member = {c_text(f['member'])}, .parent = {c_text(f['parent'])}, "
                      f".tag_no = {f['tag_no']}, .kind = {f['kind']:#x}, .adf = {int(f['adf'])}, "
                      f".required = {int(f['required'])}, .fid = {f['fid']:#x}, "
                      f".fid_last = {f['last']:#x}, .records = {f['records']}, "
                      f".record_size = {f['record']}, .size = {f['size']}, "
                      f".arr_record = {f['arr']}, .sfi = {f['sfi']}, .head = {c_slice(f['head'])}, "
                      f".tail = {c_slice(f['tail'])}, .repeat = {int(f['repeat'])}}},\n")
        out.write('    {.member = NULL},\n};\n')
        out.write(f"static const RspSaipTemplate template_{i} = {{{c_text(t['oid'])}, "
                  f"{c_slice(oid_octets(t['oid']))}, {t['element']['tag']:#x}, files_{i}}};\n")
    out.write('\nconst RspSaipElementType rsp_saip_element_types[] = {\n')
    for i, e in enumerate(elements):
        members = f'members_{i}' if e['members'] else 'NULL'
        out.write(f"    {{{e['tag']:#x}, {c_text(e['name'])}, {c_text(e['type'])}, "
                  f"{'TRUE' if e['created'] else 'FALSE'}, {members}, {len(e['members'])}}},\n")
    out.write('    {0, NULL, NULL, FALSE, NULL, 0},\n};\n')
    out.write('\nconst RspSaipTemplate *const rsp_saip_template_list[] = {\n')
    for i in range(len(templates)):
        out.write(f'    &template_{i},\n')
    out.write('    NULL,\n};\n')


def main():
    elements, templates = read(sys.argv[1])
    with open(sys.argv[2], 'w', encoding='ascii') as out:
        write(out, elements, templates)


main()
