#include "penalties.hpp"

namespace lamella {
namespace {

/// Calls work(rows) with a member's rows of an elementwise penalty, or with all of them for whom takes the whole weight.
template <class R, class Work>
void share_rows(Member member, const R&, Index rows, std::size_t number, const Work& work) {
    if constexpr (ElementwiseRegularizer<R>) {
        if (const Range mine = member.share(rows); mine.count() > 0) work(mine);
    } else if (static_cast<int>(number) % member.size == member.rank) {
        work(Range{0, rows});
    }
}

}  // namespace

void Penalties::regularize(const Slot& slot, const Regularizer& regularizer) {
    const Index scratch = std::visit([&](const auto& r) { return r.scratch_size({nullptr, slot.rows, slot.cols, slot.stride}); },
                                     regularizer);
    regularized_.push_back({slot, regularizer, values_.size(), Buffer(scratch)});
    values_.resize(values_.size() + static_cast<std::size_t>(slot.rows));
}

void Penalties::constrain(const Slot& slot, const Constraint& constraint) { constrained_.push_back({slot, constraint}); }

void Penalties::measure(const Team& team, const Arena& params) {
    if (!regularizes()) return;
    team.phase([&](Member member) {
        for (std::size_t i = 0; i < regularized_.size(); ++i) {
            const Slot& slot = regularized_[i].slot;
            const ConstView w = params[slot];
            double* values = values_.data() + regularized_[i].first_value;
            Scalar* const scratch = regularized_[i].scratch.data();
            std::visit(
                [&]<class R>(const R& penalty) {
                    share_rows(member, penalty, slot.rows, i, [&](Range rows) {
                        if constexpr (ElementwiseRegularizer<R>)
                            for (Index r = rows.first; r < rows.last; ++r) values[r] = penalty.value(w.middle_rows(r, 1), scratch);
                        else
                            values[0] = penalty.value(w, scratch);
                    });
                },
                regularized_[i].regularizer);
        }
    });
}

double Penalties::total() const {
    double total = 0;
    for (const double value : values_) total += value;
    return total;
}

void Penalties::add_gradients(const Team& team, const Arena& params, const Arena& gradients, Scalar factor) const {
    if (!regularizes()) return;
    team.phase([&](Member member) {
        for (std::size_t i = 0; i < regularized_.size(); ++i) {
            const Slot& slot = regularized_[i].slot;
            std::visit(
                [&](const auto& penalty) {
                    share_rows(member, penalty, slot.rows, i, [&](Range rows) {
                        const View w = params[slot].middle_rows(rows.first, rows.count());
                        const View g = gradients[slot].middle_rows(rows.first, rows.count());
                        penalty.add_gradient(w, factor, g, regularized_[i].scratch.data());
                    });
                },
                regularized_[i].regularizer);
        }
    });
}

void Penalties::constrain(const Team& team, const Arena& params) const {
    if (!constrains()) return;
    team.phase([&](Member member) {
        for (const Constrained& constrained : constrained_)
            std::visit(
                [&](const auto& rule) {
                    const View w = params[constrained.slot];
                    const bool by_columns = rule.along() == Along::columns;
                    const Range mine = by_columns ? member.share(w.cols, kLanes) : member.share(w.rows);
                    if (mine.count() == 0) return;
                    rule.apply(by_columns ? w.middle_cols(mine.first, mine.count()) : w.middle_rows(mine.first, mine.count()));
                },
                constrained.constraint);
    });
}

}  // namespace lamella
