package main

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ailiance/lorabench"
	"github.com/ailiance/lorabench/reports"
	"github.com/ailiance/lorabench/results"
)

// verdictError carries the outcome of a gate that did not pass to the exit code.
// The command has printed it already.
type verdictError struct{ outcome reports.Outcome }

func (e verdictError) Error() string { return "gate: " + string(e.outcome) }

type gateOptions struct {
	policy, run, db, junit string
	json, github           bool
}

func newGate() *cobra.Command {
	o := gateOptions{}
	cmd := &cobra.Command{Use: "gate", Short: "PASS, BREACH, INCONCLUSIVE or INVALID, as an exit code", Args: exactly(0),
		Example: "  lorabench gate\n  lorabench gate --policy gate.yaml --junit gate.xml --github",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return gate(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), o)
		}}
	f := cmd.Flags()
	f.StringVar(&o.policy, "policy", "", "policy file; else the gate section of "+configFile+", else each task with its own margin")
	f.StringVar(&o.junit, "junit", "", "write the verdicts to this file as JUnit XML too")
	f.BoolVar(&o.github, "github", false, "annotations for GitHub Actions; with --json on standard error")
	f.BoolVar(&o.json, "json", false, "one JSON document")
	runFlags(f, &o.run, &o.db)
	return cmd
}

// gateDocument is lorabench/gate/1.
type gateDocument struct {
	Schema   string                   `json:"schema"`
	Run      string                   `json:"run"`
	Outcome  reports.Outcome          `json:"outcome"`
	ExitCode int                      `json:"exit_code"`
	Policy   reports.Policy           `json:"policy"`
	Adapters []reports.AdapterVerdict `json:"adapters"`
	Warnings []string                 `json:"warnings"`
}

func gate(ctx context.Context, out, messages io.Writer, o gateOptions) error {
	var r *reports.Report
	err := readStore(ctx, o.db, func(store *results.Store) (err error) {
		r, _, err = buildReport(ctx, store, o.run, o.policy)
		return err
	})
	if err != nil {
		return err
	}
	annotations := out
	if o.json {
		annotations = messages // the document stands alone
		err = printJSON(out, gateDocument{"lorabench/gate/1", r.Run.ID, r.Outcome, r.ExitCode, r.Policy, r.Adapters, r.Warnings})
	} else {
		err = printGate(out, r, o.github)
	}
	if err == nil && o.github {
		err = annotate(annotations, r)
	}
	if err == nil && o.junit != "" {
		err = writeJUnit(o.junit, r)
	}
	if err == nil && r.Outcome != reports.Pass {
		err = verdictError{r.Outcome}
	}
	return err
}

// printGate says in words what became of each adapter. With inGitHub no line is
// a command to GitHub Actions, whatever the adapters are called.
func printGate(w io.Writer, r *reports.Report, inGitHub bool) error {
	var lines []string
	for _, a := range r.Adapters {
		if len(a.Verdicts) == 1 && strings.HasPrefix(a.Sentence, a.Verdicts[0].Sentence) {
			lines = append(lines, verdictLine(&a.Verdicts[0]))
			continue
		}
		lines = append(lines, a.Sentence)
		for i := range a.Verdicts {
			lines = append(lines, "  "+strings.TrimPrefix(verdictLine(&a.Verdicts[i]), a.Name+": "))
		}
	}
	for _, warning := range r.Warnings {
		lines = append(lines, "note: "+warning)
	}
	lines = append(lines, "gate: "+string(r.Outcome))
	for _, line := range lines {
		line = oneLine(line)
		if inGitHub {
			line = noCommand(line)
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// verdictLine is a verdict's sentence with the reasons that it leaves out.
func verdictLine(v *reports.Verdict) string {
	line := v.Sentence
	for _, why := range v.Reasons {
		if !strings.Contains(line, why) {
			line += "; " + why
		}
	}
	for _, l := range v.Labels {
		if l != reports.UnderFloor { // its sentence says so
			line += "; " + string(l)
		}
	}
	if !v.Tier.Blocks() {
		line += " (" + string(v.Tier) + ": never blocks)"
	}
	return line
}

// annotate writes a line for each verdict that is not a pass, as GitHub Actions
// reads it, and one for a lift that is none.
//
// Source: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
func annotate(w io.Writer, r *reports.Report) error {
	for _, a := range r.Adapters {
		for i := range a.Verdicts {
			v := &a.Verdicts[i]
			level := "warning"
			switch {
			case v.Outcome == reports.Pass && !v.Has(reports.UnderFloor):
				continue
			case v.Tier.Blocks() && (v.Outcome == reports.Breach || v.Outcome == reports.Invalid):
				level = "error"
			}
			title := "lorabench: " + v.Adapter + ": " + string(v.Outcome)
			if v.Task != "" {
				title += " on " + v.Task
			}
			if _, err := fmt.Fprintf(w, "::%s title=%s::%s\n", level, githubProperty.Replace(oneLine(title)), githubData.Replace(oneLine(verdictLine(v)))); err != nil {
				return err
			}
		}
	}
	if len(r.Adapters) == 0 {
		_, err := fmt.Fprintf(w, "::error title=lorabench::gate: %s\n", r.Outcome)
		return err
	}
	return nil
}

var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// noCommand keeps GitHub Actions from taking a line for a command: "::" where it
// begins, or "##[" anywhere.
func noCommand(line string) string {
	line = strings.ReplaceAll(line, "##[", "##\\[")
	if text := strings.TrimSpace(line); strings.HasPrefix(text, "::") {
		line = strings.Replace(line, "::", `\::`, 1)
	}
	return line
}

// The elements of a JUnit file that CI systems read.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Errors   int          `xml:"errors,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Errors   int         `xml:"errors,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string       `xml:"classname,attr"`
		Name    string       `xml:"name,attr"`
		Failure *junitResult `xml:"failure"`
		Error   *junitResult `xml:"error"`
		Skipped *junitResult `xml:"skipped"`
		Output  string       `xml:"system-out,omitempty"`
	}
	junitResult struct {
		Type    string `xml:"type,attr,omitempty"`
		Message string `xml:"message,attr"`
	}
)

// junit makes a suite of each adapter and a case of each verdict. Not shown to
// hold is a failure, no evidence an error; what never blocks is skipped where it
// is not a pass.
func junit(r *reports.Report) junitSuites {
	all := junitSuites{Name: "lorabench gate " + oneLine(r.Run.ID)}
	for _, a := range r.Adapters {
		s := junitSuite{Name: oneLine(a.Name)}
		for i := range a.Verdicts {
			v := &a.Verdicts[i]
			name := slices.DeleteFunc([]string{v.Task, v.Metric.Name}, func(s string) bool { return s == "" })
			if v.Claim {
				name = append(name, "claim")
			}
			if len(name) == 0 {
				name = []string{"adapter is applied"}
			}
			c := junitCase{Class: "lorabench." + s.Name, Name: oneLine(strings.Join(name, " "))}
			result := &junitResult{Type: string(v.Outcome), Message: oneLine(verdictLine(v))}
			s.Tests++
			switch {
			case v.Outcome == reports.Pass:
				c.Output = result.Message
			case !v.Tier.Blocks():
				c.Skipped = &junitResult{Message: result.Message}
				s.Skipped++
			case v.Outcome == reports.Invalid:
				c.Error = result
				s.Errors++
			default:
				c.Failure = result
				s.Failures++
			}
			s.Cases = append(s.Cases, c)
		}
		all.Tests, all.Failures, all.Errors, all.Skipped = all.Tests+s.Tests, all.Failures+s.Failures, all.Errors+s.Errors, all.Skipped+s.Skipped
		all.Suites = append(all.Suites, s)
	}
	if len(r.Adapters) == 0 { // a file without cases would say that all is well
		none := &junitResult{Type: string(r.Outcome), Message: oneLine(strings.Join(r.Warnings, "; "))}
		all.Tests, all.Errors = 1, 1
		all.Suites = []junitSuite{{Name: lorabench.Base, Tests: 1, Errors: 1, Cases: []junitCase{{Class: "lorabench", Name: "adapters", Error: none}}}}
	}
	return all
}

func writeJUnit(path string, r *reports.Report) error {
	text, err := xml.MarshalIndent(junit(r), "", "  ")
	if err != nil {
		return fmt.Errorf("JUnit file %s: %w", path, err)
	}
	if err := os.WriteFile(path, append([]byte(xml.Header), append(text, '\n')...), 0o644); err != nil {
		return fmt.Errorf("JUnit file: %w", err)
	}
	return nil
}
