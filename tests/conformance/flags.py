"""Which part of an answer waits for which include flag: from the vendor's page, by hand, not read from the spec."""

REVIEW, CONFIDENCE, VALIDATION, SOURCE = (
    "include_review_results",
    "include_confidence_scores",
    "include_validation_results",
    "include_source_info",
)
FLAGS = (REVIEW, CONFIDENCE, VALIDATION, SOURCE)
DOCUMENT_PARTS = {
    "review_completed": REVIEW,
    "class_edit_history": REVIEW,
    "classification_confidence": CONFIDENCE,
    "validations": VALIDATION,
    "post_processed_paths": SOURCE,
    "post_processed_pdf_path": SOURCE,
    "page_layouts": SOURCE,
}
FIELD_PARTS = {
    "edit_history": REVIEW,
    "confidence": CONFIDENCE,
    "validations": VALIDATION,
    "source_coordinates": SOURCE,
}
CASE_FIELD_PARTS = {"edit_history": REVIEW, "validations": VALIDATION}
