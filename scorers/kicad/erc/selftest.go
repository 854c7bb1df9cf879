package erc

// selfTest is a schematic whose errors are known: a resistor with a label at
// one pin, and nothing at the other.
const selfTest = `(kicad_sch (version 20250114) (generator "lorabench") (generator_version "9.0")
  (uuid "00000000-0000-4000-8000-000000000001")
  (paper "A4")
  (lib_symbols
    (symbol "T:R" (pin_numbers (hide yes)) (pin_names (offset 0)) (exclude_from_sim no) (in_bom yes) (on_board yes)
      (property "Reference" "R" (at 0 2.54 0) (effects (font (size 1.27 1.27))))
      (property "Value" "R" (at 0 -2.54 0) (effects (font (size 1.27 1.27))))
      (symbol "R_1_1"
        (pin passive line (at -3.81 0 0) (length 1.27) (name "1" (effects (font (size 1.27 1.27)))) (number "1" (effects (font (size 1.27 1.27)))))
        (pin passive line (at 3.81 0 180) (length 1.27) (name "2" (effects (font (size 1.27 1.27)))) (number "2" (effects (font (size 1.27 1.27)))))
      )
    )
  )
  (wire (pts (xy 96.19 100) (xy 96.19 90)) (stroke (width 0) (type default)) (uuid "00000000-0000-4000-8000-000000000002"))
  (label "a" (at 96.19 90 0) (effects (font (size 1.27 1.27))) (uuid "00000000-0000-4000-8000-000000000003"))
  (symbol (lib_id "T:R") (at 100 100 0) (unit 1) (exclude_from_sim no) (in_bom yes) (on_board yes) (dnp no)
    (uuid "00000000-0000-4000-8000-000000000004")
    (property "Reference" "R1" (at 100 97 0) (effects (font (size 1.27 1.27))))
    (property "Value" "1k" (at 100 103 0) (effects (font (size 1.27 1.27))))
    (pin "1" (uuid "00000000-0000-4000-8000-000000000005"))
    (pin "2" (uuid "00000000-0000-4000-8000-000000000006"))
    (instances (project "s" (path "/00000000-0000-4000-8000-000000000001" (reference "R1") (unit 1))))
  )
  (sheet_instances (path "/" (page "1")))
)
`
