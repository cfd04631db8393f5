# What caret does with the tables that tests/studies/rivals.py --tables FOLDER writes: Rscript tests/studies/rivals.R FOLDER
suppressPackageStartupMessages(library(caret))
folder <- commandArgs(trailingOnly = TRUE)[1]
about <- c("specimen_id", "subject_id", "site", "group")
read <- function(name) read.csv(file.path(folder, paste0(name, ".csv")), check.names = FALSE)
control <- trainControl(method = "cv", number = 5, classProbs = TRUE, summaryFunction = twoClassSummary)
fit <- function(name) {
  set.seed(1)
  table <- read(name)
  names(table) <- make.names(names(table))
  train(table[, setdiff(names(table), about)], factor(table$group), method = "knn", preProcess = c("center", "scale"), metric = "ROC", trControl = control)
}
score <- function(model, table) {
  names(table) <- make.names(names(table))
  predict(model, table, type = "prob")[, "case"]
}
say <- function(question, act) {
  answer <- tryCatch(act(), error = function(e) paste("refused:", substr(gsub("\\s+", " ", conditionMessage(e)), 1, 110)))
  cat(sprintf("%-13s %-40s %s\n", "caret", question, answer))
}
model <- suppressWarnings(fit("train"))
whole <- score(model, read("new"))
moved <- function(name) sprintf("scored; %d of 60 cross 0.5", sum((score(model, read(name)) > 0.5) != (whole > 0.5)))
auc <- function(name) sprintf("AUC %.3f", suppressWarnings(fit(name))$results$ROC |> max())
say("clean table", function() auc("train"))
say("one specimen alone, as in 60", function() sprintf("difference %.1e", abs(score(model, read("one"))[1] - whole[8])))
say("9 Ct 'Undetermined'", function() paste("learned from,", auc("undetermined")))
say("PD-L1 in ng/mL, model in pg/mL", function() moved("unit"))
say("miR-126-3p called hsa-miR-126", function() moved("alias"))
say("3 specimens a subject, labels by chance", function() auc("repeated"))
