package main

import (
	"encoding/json"
	"flag"
	"os"
	"sort"

	"filippo.io/torchwood"
	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// merkleProof is one proof of inclusion, or of consistency where an old root is given.
type merkleProof struct {
	Index   int64    `json:"index"` // or the old size
	Size    int64    `json:"size"`
	Hashes  []string `json:"hashes"`
	Root    string   `json:"root"`
	Leaf    string   `json:"leaf"`
	OldRoot string   `json:"old_root"`
}

// proofs tells of each proof in a JSON file whether x/mod accepts it.
func proofs(arguments []string) (any, error) {
	data, err := os.ReadFile(arguments[0])
	if err != nil {
		return nil, err
	}
	var given []merkleProof
	if err := json.Unmarshal(data, &given); err != nil {
		return nil, err
	}
	accepted := []bool{}
	for _, proof := range given {
		accepted = append(accepted, proof.check() == nil)
	}
	return accepted, nil
}

func (p merkleProof) check() error {
	var hashes []tlog.Hash
	for _, text := range p.Hashes {
		hash, err := tlog.ParseHash(text)
		if err != nil {
			return err
		}
		hashes = append(hashes, hash)
	}
	root, err := tlog.ParseHash(p.Root)
	if err != nil {
		return err
	}
	if p.OldRoot != "" {
		old, err := tlog.ParseHash(p.OldRoot)
		if err != nil {
			return err
		}
		return tlog.CheckTree(hashes, p.Size, root, p.Index, old)
	}
	leaf, err := tlog.ParseHash(p.Leaf)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(hashes, p.Size, root, p.Index, leaf)
}

// tlogProof has torchwood verify a tlog-proof of an entry under a policy.
func tlogProof(arguments []string) (any, error) {
	flags := flag.NewFlagSet("tlog-proof", flag.ExitOnError)
	policyFile := flags.String("policy", "", "file with a policy")
	entryFile := flags.String("entry", "", "file with the entry")
	proofFile := flags.String("proof", "", "file with the tlog-proof")
	if err := flags.Parse(arguments); err != nil {
		return nil, err
	}
	var contents [3][]byte
	for at, name := range []string{*policyFile, *entryFile, *proofFile} {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		contents[at] = data
	}
	policy, err := torchwood.ParsePolicy(contents[0])
	if err != nil {
		return nil, err
	}
	return nil, torchwood.VerifyProof(policy, tlog.RecordHash(contents[1]), contents[2])
}

// open opens a note by the verifier keys that follow its file, of any type, and returns whose signatures it found good.
func open(arguments []string) (any, error) {
	signed, err := os.ReadFile(arguments[0])
	if err != nil {
		return nil, err
	}
	var verifiers []note.Verifier
	for _, vkey := range arguments[1:] {
		// The generic constructor is for logs and takes type 0x04 for a plain Ed25519 key, so the other comes first.
		verifier, err := formats.NewVerifier(vkey)
		if cosigner, failure := formats.NewVerifierForCosignatureV1(vkey); failure == nil && !isPlain(vkey) {
			verifier, err = cosigner, nil
		}
		if err != nil {
			return nil, err
		}
		verifiers = append(verifiers, verifier)
	}
	opened, err := note.Open(signed, note.VerifierList(verifiers...))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, signature := range opened.Sigs {
		names = append(names, signature.Name)
	}
	sort.Strings(names)
	return names, nil
}
