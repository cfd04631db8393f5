# Library normalisation: edgeR (TMM, upper quartile), DESeq2 (median of ratios), limma (quantiles), on simulated counts of miRNAs.
source("write_golden.R")
suppressPackageStartupMessages({library(edgeR); library(DESeq2); library(limma)})
set.seed(20260901)

p <- 90; n <- 16
level <- rlnorm(p, 4.5, 1.6)
level[1] <- 25 * max(level)                                     # one miRNA takes most of the reads, as miR-486-5p in haemolysis
depth <- runif(n, 0.3, 2.5)
dominance <- rlnorm(n, 0, 1)
mu <- outer(level, depth)
mu[1, ] <- mu[1, ] * dominance
counts <- matrix(rnbinom(p * n, mu = mu, size = 6), p, n)
counts[2:8, 3] <- 0
train <- 1:12                                                   # the last four are specimens that come later
stopifnot(any(counts == 0), sum(rowSums(counts[, train] == 0) == 0) >= 40, median(counts[1, ] / colSums(counts)) > 0.5)

# median of ratios: DESeq2 scales factors from geoMeans to a geometric mean of 1, so the raw ones are its formula
geometric <- ifelse(rowSums(counts[, train] == 0) > 0, 0, exp(rowMeans(log(counts[, train]))))
raw <- apply(counts, 2, function(x) exp(median((log(x) - log(geometric))[geometric > 0 & x > 0])))
frozen <- estimateSizeFactorsForMatrix(counts, geoMeans = geometric)
trained <- estimateSizeFactorsForMatrix(counts[, train])
stopifnot(all.equal(frozen, raw / exp(mean(log(raw)))), all.equal(trained, raw[train]))

# TMM against a library that is no specimen: given as one more column, to whose factor the others are related
proportions <- sweep(counts[, train], 2, colSums(counts[, train]), "/")
pseudo <- rowMeans(proportions) * mean(colSums(counts[, train]))
against <- function(counts, reference) {
  f <- calcNormFactors(cbind(counts, reference), method = "TMM", refColumn = ncol(counts) + 1)
  as.numeric(f[seq_len(ncol(counts))] / f[ncol(counts) + 1])
}
chosen <- 5                                                     # a specimen as reference: whole numbers, so many ties
few <- counts[order(level)[1:25], ]                             # small counts: ties, and analytes in few specimens
few <- few[, colSums(few) > 0]

# upper quartile: edgeR's factors of the training specimens, which it scales to a geometric mean of 1; later ones each beside them
quartile <- function(counts) as.numeric(calcNormFactors(counts, method = "upperquartile"))
upper <- quartile(counts[, train])
later <- sapply((max(train) + 1):n, function(i) {
  f <- quartile(counts[, c(train, i)])
  f[length(f)] / exp(mean(log(f[train])))
})

# quantiles: specimen 1 is complete and has no ties, so it becomes the target
values <- round(log2(counts[, train] + 0.5) + matrix(rnorm(p * 12, 0, 0.05), p), 1)
values[, 1] <- log2(counts[, 1] + 0.5) + seq(0, 1e-3, length.out = p)
values[sample(p, 9), 4] <- NA
values[sample(p, 30), 9] <- NA
quantiles <- normalizeQuantiles(values, ties = TRUE)

write_golden(list(
  counts = t(counts), train = length(train), geometric_means = geometric,
  size_factors = raw, size_factors_deseq2_frozen = frozen, size_factors_deseq2_trained = trained,
  pseudo_library = pseudo, tmm_pseudo = against(counts, pseudo),
  tmm_specimen = against(counts, counts[, chosen]), reference_specimen = chosen,
  upper_quartile = c(upper, later),
  few = t(few), tmm_few = against(few, few[, 1]),
  values = t(values), quantile_target = sort(quantiles[, 1]), quantile_normalised = t(quantiles)
), "normalisation.json", c("edgeR", "DESeq2", "limma", "jsonlite"))
